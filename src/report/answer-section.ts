import { isList, isObject, isString, stringOf } from '../data/json-text.ts';
import { oneLine } from '../text/one-line.ts';
import { printable } from '../text/printable.ts';
import type { ReportData } from './report-data.ts';

const maxCharacters = 300;
const maxKeys = 6;

/** The first answers: where all of them are small JSON objects that were asked for, the keys are columns. */
export function answerSection({ answers }: ReportData) {
  const title = 'The first answers';
  const prose = answers.map(({ id, text }) => [id, shorten(text)]);
  const keys = keysOf(answers);
  if (keys.length === 0) return { title, header: null, rows: prose, isProse: true };
  const header = ['id', ...keys.map((key) => (key === 'id' ? 'answer.id' : shorten(key)))];
  const rows = answers.map(({ id, members }) => [id, ...keys.map((key) => cellText(members?.get(key)))]);
  return { title, header, rows, prose };
}

/** The keys that are columns; none where an answer is no flat object, or there are too many keys. */
function keysOf(answers: ReportData['answers']): string[] {
  const isFlat = answers.every(({ members }) => members !== null && ![...members.values()].some(isNested));
  const keys = new Set(answers.flatMap(({ members }) => [...(members?.keys() ?? [])]));
  return isFlat && keys.size <= maxKeys ? [...keys] : [];
}

const isNested = (json: string): boolean => isObject(json) || isList(json);

const cellText = (json = ''): string => shorten(isString(json) ? stringOf(json) : json);

const shorten = (text: string): string => printable(oneLine(text), maxCharacters);
