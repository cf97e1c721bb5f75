/** JSON as Go writes it: `<`, `>` and `&` are escaped. */
export const goJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });

/** A time as Go writes it: in the finest steps there are, without zeros at the end. */
export function goTime(milliseconds = performance.timeOrigin + performance.now()): string {
  const nanoseconds = Math.trunc((milliseconds % 1000) * 1000) * 1000;
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return `${new Date(milliseconds).toISOString().slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** Go's `omitempty`: a field that is zero is absent. */
export const omitEmpty = <Value>(fields: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0 && value !== undefined));
