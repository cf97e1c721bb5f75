import { messageOf, type ErrorKind } from '../../src/core/errors.ts';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type RowTable, rowStates } from '../../src/data/row-table.ts';
import { type Journal, type RetryFailed, openJournal } from '../../src/journal/open-journal.ts';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { failed, success, tableOf, textOf } from './sample-results.ts';

interface Opened {
  journal: Journal;
  path: string;
  table: RowTable;
  earlier: (ErrorKind | null)[];
  durable: string[];
}

async function open(
  before: string,
  table: RowTable,
  { retryFailed = 'transient', path }: { retryFailed?: RetryFailed; path?: string } = {},
): Promise<Opened> {
  const output = path ?? join(await scratchFolder(), 'out.jsonl');
  if (path === undefined) await writeFile(output, before);
  const earlier: Opened['earlier'] = [];
  const durable: string[] = [];
  const journal = await openJournal({
    path: output,
    table,
    fsync: 'group',
    retryFailed,
    onEarlier: ({ kind }) => earlier.push(kind),
    onDurable(results) {
      for (const { bytes } of results) durable.push(bytes.toString());
      return undefined;
    },
    onFailure(error) {
      throw error;
    },
  });
  onTestFinished(journal.close);
  return { journal, path: output, table, earlier, durable };
}

const states = ({ table }: Opened): number[] => Array.from({ length: table.size }, (_, row) => table.state(row));
const { open: isOpen, succeeded, failed: isFailed, rejected } = rowStates;

test('results are recorded as they come, counted once on disk, and brought into order at the end', async () => {
  const opened = await open('', tableOf(['a', 'b', 'c']));
  const { journal, path, durable } = opened;
  const lines = [success({ id: 'c', text: '田中' }), failed({ id: 'a' }), success({ id: 'b' })];
  await journal.record(2, lines[0]!);
  await journal.record(0, lines[1]!);
  await journal.record(1, lines[2]!);
  expect(journal.done()).toBe(0);
  await journal.flush();
  expect(journal.done()).toBe(3);
  expect(durable.join('')).toBe(textOf(lines));
  expect(await readFile(path, 'utf8')).toBe(textOf(lines));
  expect(states(opened)).toEqual([isFailed, succeeded, succeeded]);
  await journal.finalise();
  expect(await readFile(path, 'utf8')).toBe(textOf([lines[1]!, lines[2]!, lines[0]!]));
});

test.each<[RetryFailed, number[], (ErrorKind | null)[]]>([
  ['transient', [succeeded, isOpen, isFailed], [null, 'refused']],
  ['all', [succeeded, isOpen, isOpen], [null]],
  ['none', [succeeded, isFailed, isFailed], [null, 'timeout', 'refused']],
])('with --retry-failed %s a resume opens the rows that are to be tried again', async (retryFailed, wanted, stands) => {
  const before = [success({ id: 'a' }), failed({ id: 'b' }, 'timeout'), failed({ id: 'c' }, 'refused')];
  const opened = await open(textOf(before), tableOf(['a', 'b', 'c']), { retryFailed });
  expect(states(opened)).toEqual(wanted);
  expect(new Set(opened.earlier)).toEqual(new Set(stands));
  expect(opened.journal.done()).toBe(wanted.filter((state) => state !== isOpen).length);
});

test('a failure that is tried again and succeeds leaves one line', async () => {
  const before = [failed({ id: 'a' }), success({ id: 'b' })];
  const { journal, path } = await open(textOf(before), tableOf(['a', 'b']));
  const better = success({ id: 'a', text: 'at last' });
  await journal.record(0, better);
  await journal.flush();
  expect(journal.done()).toBe(2);
  await journal.finalise();
  expect(await readFile(path, 'utf8')).toBe(textOf([better, before[1]!]));
});

test('a failure of which a success is known from an earlier session stays forgotten', async () => {
  const before = [failed({ id: 'a' }), success({ id: 'a' }), failed({ id: 'a' }, 'overloaded')];
  const opened = await open(textOf(before), tableOf(['a']));
  expect([states(opened), opened.earlier]).toEqual([[succeeded], [null]]);
});

test('a rejected line has one result, however often the run is resumed', async () => {
  const table = tableOf(['bad']);
  table.setState(0, rejected);
  const first = await open('', table);
  await first.journal.record(0, failed({ id: 'bad' }, 'input'));
  await first.journal.flush();
  const again = tableOf(['bad']);
  again.setState(0, rejected);
  const second = await open('', again, { path: first.path, retryFailed: 'all' });
  expect([second.journal.done(), second.earlier, states(second)]).toEqual([1, ['input'], [rejected]]);
  expect(again.resultOffset(0)).toBe(0);
});

test('a torn tail and damaged lines are told, and their requests are open again', async () => {
  const text = `${textOf([success({ id: 'a' })])}rubbish\n${textOf([success({ id: 'b' })]).slice(0, 100)}`;
  const opened = await open(text, tableOf(['a', 'b']));
  expect(opened.journal.damage).toEqual({ tornBytes: 100, lines: 1 });
  expect(states(opened)).toEqual([succeeded, isOpen]);
  const line = success({ id: 'b' });
  await opened.journal.record(1, line);
  await opened.journal.finalise();
  expect(await readFile(opened.path, 'utf8')).toBe(textOf([success({ id: 'a' }), line]));
});

test("results of another run's input are counted, and stay at the end", async () => {
  const [own, other] = [success({ id: 'a' }), success({ id: 'z' })];
  const opened = await open(textOf([other, own]), tableOf(['a']));
  expect([opened.journal.strangers, opened.journal.done()]).toEqual([1, 1]);
  await opened.journal.finalise();
  expect(await readFile(opened.path, 'utf8')).toBe(textOf([own, other]));
});

test('a crash at any byte of what was written last costs only the lines that it tore', async () => {
  const ids = ['a', 'b', 'c'];
  const whole = textOf(ids.map((id) => success({ id })));
  const ends = ids.map((_, index) => textOf(ids.slice(0, index + 1).map((id) => success({ id }))).length);
  for (let cut = 0; cut <= whole.length; cut += 101) {
    const { journal } = await open(whole.slice(0, cut), tableOf(ids));
    expect(journal.done()).toBe(ends.filter((end) => end <= cut).length);
  }
});

test('the turns of a stopped conversation are found, and not those of this session', async () => {
  const place = { worker: 0, turn: 1, history: 0, sinceTrim: 0 };
  const { journal } = await open(textOf([success({ id: 'a', text: 'yes', place })]), tableOf(['a', 'b']));
  await journal.record(1, success({ id: 'b', place: { ...place, turn: 2 } }));
  await journal.flush();
  expect((await journal.loadTurns()).get(0)).toEqual({ place, turns: [{ id: 'a', answer: 'yes', tokens: 10 }] });
});

test('a stranger that writes into the output is noticed before anything is acknowledged', async () => {
  const path = join(await scratchFolder(), 'out.jsonl');
  const failures: string[] = [];
  const durable: unknown[] = [];
  const journal = await openJournal({
    path,
    table: tableOf(['a']),
    fsync: 'group',
    retryFailed: 'transient',
    onEarlier: () => {},
    onDurable(results) {
      durable.push(...results);
      return undefined;
    },
    onFailure: (error) => failures.push(messageOf(error)),
  });
  onTestFinished(journal.close);
  await appendFile(path, 'stranger\n');
  await journal.record(0, success({ id: 'a' }));
  await expect(journal.flush()).rejects.toMatchObject({ exitCode: 5 });
  expect([failures.length, durable.length, journal.done()]).toEqual([1, 0, 0]);
  expect(await readFile(path, 'utf8')).toBe('stranger\n');
});
