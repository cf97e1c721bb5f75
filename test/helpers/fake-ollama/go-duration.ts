import { refuse } from './refusal.ts';

const units: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A Go duration (`10m`, `1h30m`) in milliseconds. */
export function goDuration(text: string): number {
  const match = /^([+-]?)((?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) {
    const what = /^[+-]?\d+(\.\d+)?$/.test(text) ? 'missing unit in' : 'invalid';
    throw refuse(400, `time: ${what} duration ${JSON.stringify(text)}`);
  }
  const parts = [...(match[2] ?? '').matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  const sum = parts.reduce((total, [, count, unit]) => total + Number(count) * (units[unit ?? ''] ?? 0), 0);
  return match[1] === '-' ? -sum : sum;
}
