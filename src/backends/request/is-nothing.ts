/**
 * Says whether a value means the same as an absent key: OpenAI's own client writes `refusal: null` and `annotations:
 * []` where there is none.
 */
export const isNothing = (value: unknown): boolean =>
  value === null || value === undefined || (Array.isArray(value) && value.length === 0);
