import { InvalidArgumentError } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { isSecretName, isSecretOption } from '../../text/secret-name.ts';
import type { Shard } from '../../data/shard.ts';
import type { VramLimit } from '../../core/settings.ts';
import { parseHours } from '../../run/live/hours.ts';
import { type Thinking, isThinking } from '../../core/thinking.ts';

const durationUnits: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `2s`, `5m`, `1h` → milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = durationUnits[unit ?? ''];
  if (number === undefined || factor === undefined || Number(number) === 0) {
    throw new InvalidArgumentError('Expected a duration such as 500ms, 2s, 5m or 1h.');
  }
  return Number(number) * factor;
}

/** Hours of the day as they were typed, once they are known to be some; or `always`. */
export function parseHoursFlag(text: string): string {
  if (text !== 'always') parseHours(text);
  return text;
}

export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < 1) throw new InvalidArgumentError('Expected a whole number from 1.');
  return value;
}

/** The size of a timed sample. */
export type AskedSample = { requests: number } | { ms: number };

/** `200` requests, or as many as `5m` allow. */
export function parseSample(text: string): AskedSample {
  if (/^\d+$/.test(text)) return { requests: parseCount(text) };
  try {
    return { ms: parseDuration(text) };
  } catch {
    throw new InvalidArgumentError('Expected a whole number of requests from 1, or a duration such as 5m.');
  }
}

export function parseCountOrZero(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 0.');
  return Number(text);
}

/** Commander makes '' of a null. */
export const parseWorkersFlag = (text: string): number | 'auto' => parseWorkers(text) ?? 'auto';

export function parseWorkers(text: string): number | null {
  if (text === 'auto') return null;
  try {
    return parseCount(text);
  } catch {
    throw new InvalidArgumentError('Expected a whole number from 1, or auto.');
  }
}

/** Parses how a model is to think: `off`, `on`, a level, or a number of tokens, of which 0 is off. */
export function parseThinking(text: string): Thinking {
  if (/^(?:off|false|none|0)$/.test(text)) return false;
  if (/^(?:on|true)$/.test(text)) return true;
  const value = /^\d+$/.test(text) ? Number(text) : text;
  if (isThinking(value)) return value;
  throw new InvalidArgumentError('Expected off, on, low, medium, high, or a number of tokens.');
}

/** The character between the cells of a table; `tab` and `\t` are names of one that is hard to type. */
export function parseDelimiter(text: string): string {
  const character = text === 'tab' || text === String.raw`\t` ? '\t' : text;
  if (/^[^"\r\n]$/u.test(character)) return character;
  throw new InvalidArgumentError('Expected one character, such as ; or tab.');
}

/** `2/3`: the second of three shards. */
export function parseShard(text: string): Shard {
  const [, first, second] = /^(\d{1,7})\/(\d{1,7})$/.exec(text) ?? [];
  const [index, count] = [Number(first), Number(second)];
  if (index >= 1 && index <= count) return { index, count };
  throw new InvalidArgumentError('Expected i/n with i from 1 to n, such as 2/3.');
}

export function parseInteger(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

export function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

export function parsePrice(text: string): number {
  const value = parseNumber(text);
  if (value < 0) throw new InvalidArgumentError('Expected 0 or more.');
  return value;
}

/** A share, as 0.2 or 20%. */
export function parseShare(text: string): number {
  const number = text.replace(/%$/, '');
  const value = Number(number) / (number === text ? 1 : 100);
  if (number.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('Expected a share from 0 to 1, or from 0% to 100%.');
  }
  return value;
}

const sizeUnits: Record<string, number> = { MB: 1e6, GB: 1e9, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `500MB`, `14GiB` → bytes. */
export function parseSize(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([MG]i?B)$/.exec(text) ?? [];
  const factor = sizeUnits[unit];
  if (factor === undefined) throw new InvalidArgumentError('Expected a size such as 14GiB or 500MB.');
  return Number(number) * factor;
}

/** Parses the VRAM limit of each GPU: a size (`14GiB`, `500MB`), a share (`87.5%`), `none` or `auto`. */
export function parseVramLimit(text: string): VramLimit {
  if (text === 'auto' || text === 'none') return text;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(%|[MG]i?B)$/.exec(text) ?? [];
  const value = Number(number);
  if (unit === '%' && value > 0 && value <= 100) return { share: value / 100 };
  const factor = sizeUnits[unit];
  if (factor !== undefined && value > 0) return { bytes: value * factor };
  throw new InvalidArgumentError('Expected a size such as 14GiB or 500MB, a share such as 87.5%, or none.');
}

export type OptionValues = Record<string, string | number | boolean>;

/** `key=value`, repeatable; true, false and numbers are taken as such. */
export function collectOption(text: string, known: OptionValues): OptionValues {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected key=value.');
  const [name, value] = [text.slice(0, at), parseValue(text.slice(at + 1))];
  refuseSecret(name, value);
  return { ...known, [name]: value };
}

/** Options are kept in manifests and reports, and the list of processes shows them. */
function refuseSecret(name: string, value: string | number | boolean): void {
  if (!isSecretOption(name, value)) return;
  if (!isSecretName(name)) {
    throw new UsageError(
      `--option ${name} contains a secret, which would be stored in files`,
      "Remove it, and set the engine's own variable (HF_TOKEN): engines and resumed runs read it, and no file stores it.",
    );
  }
  throw new UsageError(
    `--option ${name} is a secret, which would be stored in files`,
    `Set the variable ${name.toUpperCase()} instead: engines and resumed runs read it, and no file stores it.`,
  );
}

function parseValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

/** `input=number`, repeatable. */
export function collectPriority(text: string, known: Record<string, number>): Record<string, number> {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected input=number.');
  return { ...known, [text.slice(0, at)]: parseNumber(text.slice(at + 1)) };
}

export const collectText = (text: string, known: string[]): string[] => [...known, text];
