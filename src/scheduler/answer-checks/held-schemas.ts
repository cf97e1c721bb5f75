import type { BackendInfo } from '../../core/backend.ts';
import type { Notify } from '../../core/events.ts';
import { type JsonSchema, kindOfKeyword, schemasIn } from '../../core/json-schema.ts';

/** The engine that schemas are for, and where a sentence for the user goes. */
export interface SchemaHolder {
  /** Name of the engine, as the user calls it. */
  name: string;
  unheldKeywords?: BackendInfo['unheldKeywords'] | undefined;
  notify: Notify;
}

/**
 * Tells the user once which keywords of a schema the engine does not hold an answer to, and which are never checked.
 * Returns the former.
 */
export type SchemaTeller = (schema: JsonSchema) => readonly string[];

/** A file in which each line has another schema would fill the screen. */
const maxNotices = 5;

export function createSchemaTeller({ name, unheldKeywords, notify }: SchemaHolder): SchemaTeller {
  const told = new Set<string>();
  const tell = (text: string): void => {
    if (told.size >= maxNotices || told.has(text)) return;
    told.add(text);
    notify({ topic: 'schema', text });
  };
  return (schema) => {
    const unheld = unheldKeywords?.(schema);
    const seldom = unheld === undefined ? seldomHeld(schema) : [];
    if (unheld !== undefined && unheld.length > 0)
      tell(`schema: ${name} does not enforce ${list(unheld)}; each answer is checked`);
    if (seldom.length > 0)
      tell(`schema: it is unknown whether ${name} enforces ${list(seldom)}; each answer is checked`);
    const unchecked = uncheckedIn(schema);
    if (unchecked.length > 0)
      tell(`schema: ${list(unchecked)} ${unchecked.length === 1 ? 'is' : 'are'} unknown, and not checked`);
    return unheld ?? [];
  };
}

const list = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

/** Keywords that servers most often drop silently. */
const seldom = 'pattern format multipleOf uniqueItems contains not if propertyNames minimum maximum'.split(' ');

const seldomHeld = (schema: JsonSchema): string[] => {
  const found = new Set<string>();
  for (const part of schemasIn(schema)) for (const keyword of seldom) if (keyword in part) found.add(keyword);
  return [...found];
};

/** Formats that `ajv-formats` knows. The others of the standard are for texts beyond ASCII. */
const knownFormats = new Set(
  'date time date-time iso-time iso-date-time duration uri uri-reference uri-template url email hostname ipv4 ipv6 regex uuid json-pointer json-pointer-uri-fragment relative-json-pointer byte int32 int64 float double password binary'.split(
    ' ',
  ),
);

function uncheckedIn(schema: JsonSchema): string[] {
  const found = new Set<string>();
  for (const part of schemasIn(schema)) {
    for (const keyword of Object.keys(part)) if (kindOfKeyword(keyword) === 'unknown') found.add(keyword);
    const { format } = part;
    if (typeof format === 'string' && !knownFormats.has(format)) found.add(`format: ${format}`);
  }
  return [...found].slice(0, maxNamed);
}

const maxNamed = 8;
