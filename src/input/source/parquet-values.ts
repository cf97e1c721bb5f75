import type { SchemaElement, SchemaTree } from 'hyparquet';

/** Writes a value of a column as JSON. */
export type WriteValue = (value: unknown) => string;

/** JSON that a column holds as text: it is written as it stands, its digits too. */
export class JsonText {
  readonly text: string;
  constructor(text: string) {
    JSON.parse(text);
    this.text = text;
  }
}

/** What writes the values of a column, and of all that is nested in it, by their types. */
export function writerOf({ element, children }: SchemaTree): WriteValue {
  if (children.length === 0 || element.logical_type?.type === 'VARIANT') return inLists(leafWriter(element));
  const [inner] = children;
  if (element.converted_type === 'LIST' && children.length === 1) return writerOf(inner!.children[0] ?? inner!);
  const isMap = element.converted_type === 'MAP' && children.length === 1 && inner!.children.length === 2;
  const value = isMap ? writerOf(inner!.children[1]!) : null;
  const members = new Map(children.map((child) => [child.element.name, writerOf(child)]));
  return inLists((group) => {
    const written = Object.entries(group as object).map(([name, member]) => {
      const write = value ?? members.get(name) ?? plainJson;
      return `${JSON.stringify(name)}:${write(member)}`;
    });
    return `{${written.join(',')}}`;
  });
}

/** Lists may lie in each other: what is in them is written alike. */
function inLists(write: WriteValue): WriteValue {
  return function writeAny(value): string {
    if (value === null || value === undefined) return 'null';
    return Array.isArray(value) ? `[${value.map(writeAny).join(',')}]` : write(value);
  };
}

function leafWriter(element: SchemaElement): WriteValue {
  const { logical_type: logical, scale = 0 } = element;
  if (isDecimal(element)) return (value) => decimalText(value, scale);
  const digits = digitsOfTime(element);
  if (digits !== null) return (value) => JSON.stringify(isoTime(value as number | bigint, digits).slice(11, -1));
  // A time of no time zone is no time of UTC.
  if (logical?.type === 'TIMESTAMP' && !logical.isAdjustedToUTC) return (value) => plainJson(value).replace(/Z"$/, '"');
  return element.type === 'FLOAT' ? (value) => JSON.stringify(shortestFloat(value as number)) : plainJson;
}

/** The library makes rounded numbers of decimals: they are read as the whole numbers that they are kept as. */
export function readDecimalsWhole(elements: readonly SchemaElement[]): void {
  for (const element of elements.filter(isDecimal)) {
    delete element.converted_type;
    delete element.logical_type;
  }
}

const isDecimal = ({ converted_type: converted, logical_type: logical }: SchemaElement): boolean =>
  converted === 'DECIMAL' || logical?.type === 'DECIMAL';

/** Digits of a second that a time of day counts; null for what is none. */
function digitsOfTime({ converted_type: converted, logical_type: logical }: SchemaElement): number | null {
  if (logical?.type === 'TIME') return { MILLIS: 3, MICROS: 6, NANOS: 9 }[logical.unit];
  return converted === 'TIME_MILLIS' ? 3 : converted === 'TIME_MICROS' ? 6 : null;
}

/** A time since 1970 in units of 10^-digits seconds; its fraction is as long as it needs to be. */
export function isoTime(value: bigint | number, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const fraction = ((BigInt(value) % unit) + unit) % unit;
  const seconds = Number((BigInt(value) - fraction) / unit);
  const decimals = `.${String(fraction).padStart(digits, '0')}`.replace(/\.?0+$/, '');
  return new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, `${decimals}Z`);
}

function decimalText(value: unknown, scale: number): string {
  const whole = value instanceof Uint8Array ? signedOf(value) : BigInt(value as number | bigint);
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0');
  const point = digits.length - scale;
  const sign = whole < 0n ? '-' : '';
  return `${sign}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}

/** A whole number in two's complement, its highest byte first. */
function signedOf(bytes: Uint8Array): bigint {
  const hex = Buffer.from(bytes).toString('hex');
  return hex === '' ? 0n : BigInt.asIntN(bytes.length * 8, BigInt(`0x${hex}`));
}

/** The shortest number that is the same in 32 bits: 0.1, not 0.10000000149011612. */
const shortestFloat = (value: number): number =>
  [6, 7, 8].map((digits) => Number(value.toPrecision(digits))).find((short) => Math.fround(short) === value) ?? value;

function plainJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof JsonText) return value.text;
  if (value instanceof Uint8Array) return JSON.stringify(textOrBase64(value));
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `[${Array.from(value as unknown[], plainJson).join(',')}]`;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}:${plainJson(inner)}`)
    .join(',')}}`;
}

export const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes of no declared type: old programs write texts so. */
function textOrBase64(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('base64');
  }
}
