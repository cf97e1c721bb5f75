import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createCliFolder, mock, prompts } from '../../helpers/run-cli.ts';

interface Outcome {
  exitCode: number | null;
  stderr: string;
  /** Ids of the results, in the order of the input; those of failures with their message. */
  results: string[];
}

/** Runs one input by the mock engine, given as a file or piped in. */
async function runOn(name: string, content: string | Buffer, flags: string[] = []): Promise<Outcome> {
  const folder = await createCliFolder();
  await folder.write(name, content as string);
  const input = name === '-' ? '-' : name;
  const { exitCode, stderr } = await folder.run(['run', input, '-o', 'out.jsonl', ...flags, ...mock()], {
    ...(name === '-' ? { stdin: content as string } : {}),
  });
  const lines = await folder.results('out.jsonl').catch(() => []);
  const results = lines.map(({ custom_id, error }) => (error === null ? custom_id : `${custom_id} ${error.message}`));
  return { exitCode, stderr, results };
}

const rows = prompts(3);
const objects = rows.trim().split('\n');
const array = `[\n  ${objects.join(',\n  ')}\n]\n`;
const indented = objects.map((row) => JSON.stringify(JSON.parse(row), null, 2)).join('\n');

describe('an input is taken whole', () => {
  test.each<[name: string, file: string, content: string | Buffer, flags?: string[]]>([
    ['a JSON array over several lines', 'in.json', array],
    ['a JSON array on one line', 'in.jsonl', `[${objects.join(',')}]`],
    [
      'an indented JSON array',
      'in.json',
      JSON.stringify(
        objects.map((row) => JSON.parse(row) as unknown),
        null,
        4,
      ),
    ],
    ['indented objects', 'in.jsonl', indented],
    ['objects behind each other', 'in.json', objects.join('')],
    ['gzip', 'in.jsonl.gz', gzipSync(rows)],
    ['gzip of several members', 'in.gz', Buffer.concat(objects.map((row) => gzipSync(`${row}\n`)))],
    ['a gzip with zeroes behind it', 'in.gz', Buffer.concat([gzipSync(rows), Buffer.alloc(512)])],
    ['a gzip of an array', 'in.json.gz', gzipSync(array)],
    ['UTF-16 with a mark', 'in.jsonl', Buffer.from(`\uFEFF${rows}`, 'utf16le')],
    ['UTF-16 with a mark, the high byte first', 'in.jsonl', Buffer.from(`\uFEFF${rows}`, 'utf16le').swap16()],
    ['UTF-16 without a mark', 'in.jsonl', Buffer.from(rows, 'utf16le')],
    ['an array with a mark of UTF-8', 'in.json', `\uFEFF${array}`],
    ['a named encoding', 'in.jsonl', Buffer.from(rows, 'utf16le').swap16(), ['--encoding', 'utf-16be']],
    ['an array that is said to be one', 'in.jsonl', array, ['--format', 'json']],
    ['standard input', '-', array],
  ])('as %s', async (_name, file, content, flags = []) => {
    expect(await runOn(file, content, flags)).toMatchObject({ exitCode: 0, results: ['r1', 'r2', 'r3'] });
  });

  test('as plain text, one prompt a line', async () => {
    const { exitCode, results } = await runOn('in.txt', 'Hello\r\n\n  \nGood bye', ['--format', 'text']);
    expect([exitCode, results]).toEqual([0, ['line-1', 'line-4']]);
  });

  test('and its records are counted where its lines do not count them', async () => {
    const { exitCode, results } = await runOn('in.json', '[{"prompt":"a"},\n\n7,\n{"prompt":"b"}]');
    expect([exitCode, results]).toEqual([3, ['line-1', 'line-2 record 2: not a JSON object but a number', 'line-3']]);
  });
});
