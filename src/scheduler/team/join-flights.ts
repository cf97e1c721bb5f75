import type { FlightSample } from '../../core/measurements.ts';

/** An engine with requests in flight tells of them twice a second: what is older, in milliseconds, has ended. */
const maxAgeMs = 1500;

/** Makes one sample of all that is in flight of the samples of each engine: what is new is that engine's, the rest the sum. */
export function joinFlights(): (engine: number, sample: FlightSample) => FlightSample {
  const last = new Map<number, { sample: FlightSample; at: number }>();
  return (engine, sample) => {
    const now = performance.now();
    last.set(engine, { sample, at: now });
    const each: { ageMs: number; tokens: number; limit: number | null; bytes: number }[] = [];
    let writing = 0;
    for (const { sample: known, at } of last.values()) {
      if (now - at > maxAgeMs) continue;
      writing += known.writing;
      const { agesMs, tokens, limits, bytes } = known.each;
      agesMs.forEach((ageMs, index) =>
        each.push({
          ageMs: ageMs + now - at,
          tokens: tokens[index] ?? 0,
          limit: limits[index] ?? null,
          bytes: bytes[index] ?? 0,
        }),
      );
    }
    each.sort((left, right) => right.ageMs - left.ageMs);
    const [first] = each;
    return {
      ...sample,
      writing,
      tokens: each.reduce((sum, { tokens }) => sum + tokens, 0),
      oldest: first === undefined ? null : { ageMs: first.ageMs, tokens: first.tokens },
      each: {
        agesMs: each.map(({ ageMs }) => ageMs),
        tokens: each.map(({ tokens }) => tokens),
        limits: each.map(({ limit }) => limit),
        bytes: each.map(({ bytes }) => bytes),
      },
    };
  };
}
