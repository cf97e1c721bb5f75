import { isRecord } from '../../data/is-record.ts';
import { type JsonSchema, schemasIn } from '../../core/json-schema.ts';

/** Keywords whose schemas are about the same value, not about a part of it. */
const sameValue = ['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'];

/**
 * Says whether a part of the schema is defined by itself, with no step into the value on the way, as `{"$ref": "#"}`
 * is. A check by it would never end. A tree whose nodes hold nodes is no such schema.
 */
export function refersToItself(root: JsonSchema): boolean {
  const state = new Map<JsonSchema, 'open' | 'done'>();
  const isEndless = (schema: unknown): boolean => {
    if (!isRecord(schema) || state.get(schema) === 'done') return false;
    if (state.get(schema) === 'open') return true;
    state.set(schema, 'open');
    const found = nextOf(schema, root).some(isEndless);
    state.set(schema, 'done');
    return found;
  };
  return [...schemasIn(root)].some(isEndless);
}

function nextOf(schema: JsonSchema, root: JsonSchema): unknown[] {
  const inPlace = sameValue.flatMap((keyword) => {
    const value = schema[keyword];
    if (keyword === 'dependentSchemas') return isRecord(value) ? Object.values(value) : [];
    return Array.isArray(value) ? (value as unknown[]) : [value];
  });
  return [...inPlace, ...['$ref', '$dynamicRef', '$recursiveRef'].map((keyword) => resolve(schema[keyword], root))];
}

/** Resolves a reference within the schema; undefined for any other. */
function resolve(reference: unknown, root: JsonSchema): unknown {
  if (typeof reference !== 'string' || !reference.startsWith('#')) return undefined;
  const [, ...steps] = reference.split('/');
  if (steps.length === 0) return reference === '#' ? root : byAnchor(reference.slice(1), root);
  let target: unknown = root;
  for (const step of steps) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~');
    target = typeof target === 'object' && target !== null ? (target as JsonSchema)[name] : undefined;
  }
  return target;
}

function byAnchor(anchor: string, root: JsonSchema): unknown {
  for (const schema of schemasIn(root))
    if (schema['$anchor'] === anchor || schema['$dynamicAnchor'] === anchor) return schema;
  return undefined;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
