import { UsageError } from '../core/errors.ts';
import type { ResultDetails } from '../core/result-line.ts';
import { stepInto } from '../data/json-text.ts';
import { nearest } from '../text/nearest.ts';
import type { Cell } from './cells.ts';
import { type TableColumn, type Survey, column } from './columns.ts';
import type { ExportRecord } from './read-record.ts';

/** Something that a path can begin in: the names in it, and the value of each. */
interface Place {
  prefix: string;
  names: readonly string[];
  valueOf: (record: ExportRecord, name: string) => Cell;
  /** No path goes on below these names: what is in them is named elsewhere. */
  isWhole?: boolean;
}

const detailNames: readonly (keyof ResultDetails)[] = [
  'line',
  'empty',
  'unwrapped',
  'unchecked',
  'attempts',
  'request_hash',
  'backend',
  'model',
  'started_at',
  'queue_ms',
  'ttft_ms',
  'latency_ms',
  'finish',
  'usage',
  'retried',
  'parsed',
  'rejected',
  'row',
  'conversation',
];

/**
 * The columns that `--fields` names: columns of the table, and dotted paths into the row, the answer's JSON and the result
 * line. Throws a `UsageError` for a field that no result can have.
 */
export function pickFields(fields: readonly string[], columns: readonly TableColumn[], survey: Survey): TableColumn[] {
  const places = placesOf(columns, survey);
  return [...new Set(fields)].map((field) => findField(field, places) ?? refuse(field, places));
}

/** In this order: what the user sees in the table comes first. */
function placesOf(columns: readonly TableColumn[], survey: Survey): Place[] {
  const byName = new Map(columns.map((each) => [each.name, each]));
  const answer = column('answer', (record) => record.answer);
  if (!byName.has('answer')) byName.set('answer', answer);
  const [fields, parsedKeys, bodyKeys] = [
    survey.fields,
    new Set([...survey.askedKeys, ...survey.otherKeys]),
    survey.bodyKeys ?? new Set<string>(),
  ].map((names) => [...names]);
  return [
    { prefix: '', names: [...byName.keys()], valueOf: (record, name) => byName.get(name)?.cellOf(record) },
    { prefix: 'row.', names: fields!, valueOf: ({ row }, name) => row.get(name) },
    { prefix: 'parsed.', names: parsedKeys!, valueOf: ({ keys }, name) => keys?.get(name) },
    { prefix: '', names: bodyKeys!, valueOf: ({ body }, name) => body && stepInto(body, name) },
    { prefix: 'response.body.', names: bodyKeys!, valueOf: ({ body }, name) => body && stepInto(body, name) },
    { prefix: 'response.', names: ['status_code', 'request_id', 'body'], valueOf: within('response') },
    { prefix: 'error.', names: ['code', 'message'], valueOf: within('error') },
    { prefix: 'llmbatch.row.', names: fields!, valueOf: ({ row }, name) => row.get(name) },
    { prefix: 'llmbatch.', names: detailNames, valueOf: within('llmbatch') },
    { prefix: '', names: ['custom_id', 'response', 'error', 'llmbatch'], valueOf: within(), isWhole: true },
  ];
}

/** Reads a value of the result line below a path. */
const within =
  (...path: string[]) =>
  ({ line }: ExportRecord, name: string): Cell =>
    [...path, name].reduce<Cell>((json, key) => json && stepInto(json, key), line);

/** Names may hold dots themselves, so the longest name that fits counts. */
function findField(field: string, places: readonly Place[]): TableColumn | null {
  for (const { prefix, names, valueOf, isWhole = false } of places) {
    if (!field.startsWith(prefix)) continue;
    const wanted = field.slice(prefix.length);
    const [name] = names
      .filter((each) => wanted === each || (!isWhole && wanted.startsWith(`${each}.`)))
      .toSorted((left, right) => right.length - left.length);
    if (name === undefined) continue;
    const path = wanted === name ? [] : wanted.slice(name.length + 1).split('.');
    return column(field, (record) =>
      path.reduce<Cell>((json, key) => json && stepInto(json, key), valueOf(record, name)),
    );
  }
  return null;
}

function refuse(field: string, places: readonly Place[]): never {
  const known = places.flatMap(({ prefix, names }) => names.map((name) => `${prefix}${name}`));
  const [root = '', ...path] = field.split('.');
  const likeRoot = nearest(root, known);
  const like = nearest(field, known) ?? (likeRoot === null ? null : [likeRoot, ...path].join('.'));
  const [columns] = places;
  throw new UsageError(
    `no result has a field "${field}"${like === null ? '' : `; the nearest is "${like}"`}`,
    `Columns are ${columns!.names.join(', ')}; others are paths such as row.NAME, parsed.KEY, llmbatch.latency_ms or response.body.choices.0.message.content.`,
  );
}
