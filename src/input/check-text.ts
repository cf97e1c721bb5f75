/** Says why a value is no prompt, or null. */
export function checkText(key: string, value: unknown): string | null {
  if (value === undefined) return `no "${key}"`;
  if (isListOf(value, (item): item is string => typeof item === 'string') && value.length > 1)
    return `"${key}" is a list of ${value.length} prompts, but a request has one: write one line for each prompt`;
  if (isListOf(value, (item): item is number => Number.isInteger(item)))
    return `"${key}" is a list of token ids, not a text: write the text itself`;
  if (typeof value !== 'string') return `"${key}" is ${kindOf(value)}, not a text`;
  return value === '' ? `"${key}" is empty` : null;
}

/** Says whether a value is a list that holds something, and only what `isItem` says. */
export const isListOf = <Item>(value: unknown, isItem: (item: unknown) => item is Item): value is Item[] =>
  Array.isArray(value) && value.length > 0 && value.every(isItem);

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Says whether a value holds half of a character, which no engine could be given unchanged. */
export function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => hasLoneSurrogate(key) || hasLoneSurrogate(inner));
}
