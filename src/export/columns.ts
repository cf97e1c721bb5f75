import { UsageError } from '../core/errors.ts';
import { formatInteger } from '../text/format.ts';
import { type Cell, type Members, asMembers } from './cells.ts';
import type { ExportRecord } from './read-record.ts';

/** A column of the table. */
export interface TableColumn {
  name: string;
  cellOf: (record: ExportRecord) => Cell;
}

/** What the results of an output hold, each kind of name in the order in which it was first seen. */
export interface Survey {
  /** Names of the rows' fields. */
  fields: Set<string>;
  /** Keys of the answers that were asked for as JSON, and of those that happen to be objects. */
  askedKeys: Set<string>;
  otherKeys: Set<string>;
  /** Keys of the bodies of responses, which only paths of `--fields` need; null where there are none. */
  bodyKeys: Set<string> | null;
  /** Some answer is no JSON object. */
  hasText: boolean;
  hasToolCalls: boolean;
  hasEmbedding: boolean;
  /** A row has a field "id" that is not the id of its result. */
  hasOtherId: boolean;
}

export const createSurvey = (hasPaths: boolean): Survey => ({
  fields: new Set(),
  askedKeys: new Set(),
  otherKeys: new Set(),
  bodyKeys: hasPaths ? new Set() : null,
  hasText: false,
  hasToolCalls: false,
  hasEmbedding: false,
  hasOtherId: false,
});

/** Notes what one result holds. */
export function noteRecord(survey: Survey, record: ExportRecord): void {
  const { row, body, answer, keys, isJsonAsked } = record;
  addNames(survey.fields, row);
  if (survey.bodyKeys !== null) addNames(survey.bodyKeys, asMembers(body));
  if (keys !== null) addNames(isJsonAsked ? survey.askedKeys : survey.otherKeys, keys);
  survey.hasText ||= answer !== undefined && keys === null;
  survey.hasToolCalls ||= record.toolCalls !== undefined;
  survey.hasEmbedding ||= record.embedding !== undefined;
  survey.hasOtherId ||= row.has('id') && plainText(row.get('id')) !== plainText(idOf(record));
}

function addNames(names: Set<string>, members: Members): void {
  for (const name of members.keys()) names.add(name);
}

const plainText = (json: Cell): Cell => (json?.startsWith('"') === true ? json.slice(1, -1) : json);
const idOf = ({ id }: ExportRecord): Cell => id;

/** More columns than a table has. Keys that are names of things, not of properties, would make one of each. */
const mostColumns = 5000;

/** Throws a `UsageError` where the results have more different keys than a table can have columns. */
export function checkWidth(columns: readonly TableColumn[]): void {
  if (columns.length <= mostColumns) return;
  throw new UsageError(
    `the rows and the answers have ${formatInteger(columns.length)} different keys, too many for columns`,
    'Name the columns that you want, such as --fields id,answer.',
  );
}

/** Puts the asked keys into this order, those that are not in it behind. */
export function orderKeys(survey: Survey, order: readonly string[]): void {
  const known = order.filter((key) => survey.askedKeys.has(key));
  survey.askedKeys = new Set([...known, ...survey.askedKeys]);
}

/** Columns of the whole table. */
export function tableColumns(survey: Survey): TableColumn[] {
  const { fields, hasToolCalls, hasEmbedding, hasOtherId } = survey;
  const keys = keysOf(survey);
  const shownKeys = ({ keys: found, isJsonAsked }: ExportRecord): Members | null =>
    isJsonAsked || !survey.hasText ? found : null;
  const isShown = survey.hasText || !(keys.size > 0 || hasToolCalls || hasEmbedding);
  const answers = [
    ...(isShown ? [column('answer', (record) => (shownKeys(record) === null ? record.answer : undefined))] : []),
    ...(hasToolCalls ? [column('tool_calls', ({ toolCalls }) => toolCalls)] : []),
    ...(hasEmbedding ? [column('embedding', ({ embedding }) => embedding)] : []),
  ];
  const taken = new Set(['id', ...answers.map(({ name }) => name), ...closing.map(({ name }) => name)]);
  const rows = [...fields].filter((name) => name !== 'id' || hasOtherId).map((name) => rowColumn(name, taken));
  const keyed = [...keys].map((key) => column(freeName(key, 'answer', taken), (record) => shownKeys(record)?.get(key)));
  return [column('id', idOf), ...rows, ...answers, ...keyed, ...closing];
}

/** The keys that are columns. Where JSON was not asked for they are only if every answer is an object. */
const keysOf = ({ askedKeys, otherKeys, hasText }: Survey): ReadonlySet<string> =>
  hasText ? askedKeys : new Set([...askedKeys, ...otherKeys]);

export const column = (name: string, cellOf: TableColumn['cellOf']): TableColumn => ({ name, cellOf });

const closing = [
  column('error_code', ({ failure }) => failure?.code),
  column('error_message', ({ failure }) => failure?.message),
  column('prompt_tokens', ({ promptTokens }) => promptTokens),
  column('completion_tokens', ({ completionTokens }) => completionTokens),
];

const rowColumn = (field: string, taken: Set<string>): TableColumn =>
  column(freeName(field, 'row', taken), ({ row }) => row.get(field));

/** The name, with a prefix where another column has it. */
function freeName(name: string, prefix: string, taken: Set<string>): string {
  const free = taken.has(name) ? freeName(`${prefix}.${name}`, prefix, taken) : name;
  taken.add(free);
  return free;
}
