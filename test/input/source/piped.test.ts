import { readFile, readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { countLines, createCliFolder, mock, prompts, until } from '../../helpers/run-cli.ts';

const rows = prompts(200).trim().split('\n');
const csv = ['id,prompt', ...rows.map((row) => Object.values(JSON.parse(row) as object).join(','))].join('\n');

describe('standard input', () => {
  test.each<[name: string, content: string | Buffer, flags?: string[]]>([
    ['a CSV', csv, ['--format', 'csv']],
    ['a gzip', gzipSync(rows.join('\n'))],
    ['a JSON array', `[${rows.join(',\n')}]`],
    ['UTF-16', Buffer.from(`\uFEFF${rows.join('\n')}`, 'utf16le')],
  ])('of %s is kept as it came, and a killed run of it is resumed', async (_name, content, flags = []) => {
    const folder = await createCliFolder();
    const args = ['run', '-', '-o', 'out.jsonl', ...flags, ...mock('latency_ms=30', 'slots=1')];
    const run = folder.start(args, { stdin: null });
    run.child.stdin?.end(content);
    await until(async () => (await countLines(folder.at('out.jsonl'))) > 2);
    run.child.kill('SIGKILL');
    await run.outcome;
    expect(await readFile(folder.at('out.jsonl.run.input'))).toEqual(Buffer.from(content));
    const resumed = await folder.run(['resume', 'out.jsonl', '--progress', 'none']);
    expect([resumed.exitCode, resumed.stderr]).toEqual([0, expect.stringContaining('200 requests done')]);
    const ids = (await folder.results('out.jsonl')).map(({ custom_id }) => custom_id);
    expect(ids).toEqual(rows.map((_, index) => `r${index + 1}`));
    expect((await readdir(folder.path)).filter((name) => name.includes('draft'))).toEqual([]);
  });

  test('is sent before its end as a CSV, and not before its end as an array', async () => {
    const folder = await createCliFolder();
    const table = folder.start(['run', '-', '-o', 'table.jsonl', '--format', 'csv', ...mock()], { stdin: null });
    const array = folder.start(['run', '-', '-o', 'array.jsonl', ...mock()], { stdin: null });
    table.child.stdin?.write('id,prompt\na,one\nb,two\n');
    array.child.stdin?.write('[{"id":"a","prompt":"one"},\n{"id":"b","prompt":"two"},\n');
    await until(async () => (await countLines(folder.at('table.jsonl'))) === 2);
    array.child.stdin?.end('oh}');
    table.child.stdin?.end('c,three\n');
    expect((await table.outcome).exitCode).toBe(0);
    expect(await array.outcome).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('file ends in the middle of it'),
    });
    expect(await readdir(folder.path)).not.toContain('array.jsonl');
  });

  test('of a broken first line waits for nothing', async () => {
    const folder = await createCliFolder();
    const run = folder.start(['run', '-', '-o', 'out.jsonl', ...mock()], { stdin: null });
    run.child.stdin?.write('{"id":"a","prompt":"one",}\n{"id":"b","prompt":"two"}\n');
    await until(async () => (await countLines(folder.at('out.jsonl'))) === 2);
    run.child.stdin?.end();
    expect((await run.outcome).exitCode).toBe(3);
  });

  test('that is stopped before its first line ends at once', async () => {
    const folder = await createCliFolder();
    const run = folder.start(['run', '-', '-o', 'out.jsonl', ...mock()], { stdin: null });
    run.child.stdin?.write('neither JSON nor a line');
    await until(async () => (await readdir(folder.path)).includes('out.jsonl.run.input'));
    run.child.kill('SIGINT');
    expect((await run.outcome).exitCode).toBe(130);
  });
});
