import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { createCliFolder, mock, prompts } from '../../helpers/run-cli.ts';

const rows = prompts(50).trim().split('\n');
const array = `[${rows.join(',\n')}]`;
const packed = gzipSync(rows.join('\n'));

describe('a file that is broken as a whole is refused whole, with the place', () => {
  test.each<[name: string, content: string | Buffer, reason: string]>([
    ['an array that ends early', array.slice(0, -1), 'line 50): it ends after 50 records, without the closing ]'],
    [
      'an array that ends in a record',
      array.slice(0, -5),
      'line 50): record 50 is wrong: the file ends in the middle of it',
    ],
    [
      'an array with a comma too many',
      array.replace('},\n', '},,\n'),
      'line 1): "," is after record 1, where the next record',
    ],
    [
      'an array with a comma at its end',
      `[${rows.join(',\n')},\n]`,
      'line 51): "]" is after record 50, where the next record',
    ],
    [
      'an array without a comma',
      array.replace('},\n', '}\n'),
      'line 2): "{" is after record 1, where a comma or ] should',
    ],
    ['an array with more behind it', `${array}\n{"prompt":"x"}`, 'line 51): "{" is after its closing ]'],
    ['an array with NaN', array.replace('"question 7"', 'NaN'), 'line 7): record 7 is wrong: NaN is not JSON'],
    [
      'an array with a line break in a text',
      array.replace('question 3', 'question\n3'),
      'record 3 is wrong: a line break in a text must be written',
    ],
    [
      'an array with the wrong bracket',
      array.replace('},', '],'),
      'line 1): record 1 is wrong: its brackets do not match',
    ],
    [
      'objects with commas between',
      `{\n"prompt":"x"\n},\n{\n"prompt":"y"\n}`,
      'line 3): "," is after record 1, where the next {',
    ],
    [
      'objects of which one is broken',
      `{\n"prompt":"x"\n}\n{\n"prompt":"y",\n}`,
      'line 4): record 2 is wrong: a comma before the closing }',
    ],
    ['a gzip that ends early', packed.subarray(0, -12), 'damaged, or ends too early'],
    [
      'a gzip with a wrong byte',
      Buffer.concat([packed.subarray(0, 40), Buffer.from([1, 2, 3]), packed.subarray(43)]),
      'damaged',
    ],
    ['a gzip with text behind it', Buffer.concat([packed, Buffer.from(rows.join('\n'))]), 'damaged'],
    ['a gzip with a member behind zeroes', Buffer.concat([packed, Buffer.alloc(20), packed]), 'damaged'],
    ['gzip in gzip', gzipSync(packed), 'gzip in gzip'],
    [
      'half a character of UTF-16',
      Buffer.concat([Buffer.from(`\uFEFF${rows[0]}\n`, 'utf16le'), Buffer.from([0])]),
      'not utf-16le throughout',
    ],
  ])('%s', async (_name, content, reason) => {
    const folder = await createCliFolder();
    await folder.write('in.json', content as string);
    const { exitCode, stderr } = await folder.run(['run', 'in.json', ...mock()]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(reason)]);
    expect((await folder.everything()).map(([path]) => path.replace(/.*\//, ''))).toEqual(['in.json']);
  });
});

test.each(['run', 'validate', 'bench', '--estimate', '--dry-run'])(
  '%s refuses what has no request',
  async (command) => {
    const folder = await createCliFolder();
    const inputs: [string, string][] = [
      ['empty.jsonl', ''],
      ['blank.jsonl', '\n \r\n'],
      ['header.csv', 'id,prompt\n'],
      ['array.json', '[ ]'],
    ];
    const args = command.startsWith('--') ? ['run', command] : [command];
    for (const [name, content] of inputs) {
      await folder.write(name, content);
      const flags = command === 'validate' ? ['-m', 'mock'] : ['-b', 'mock', '-m', 'mock'];
      const { exitCode, stderr } = await folder.run([...args.slice(0, 1), name, ...args.slice(1), ...flags]);
      expect([exitCode, stderr]).toEqual([2, `Error: ${name} has no requests\n`]);
    }
  },
);

test.each([
  ['nothing', '', []],
  ['a header', 'id,prompt\n', ['--format', 'csv']],
  ['an empty array', '[]', []],
])('standard input of %s has no request', async (_name, stdin, flags) => {
  const folder = await createCliFolder();
  const { exitCode, stderr } = await folder.run(['run', '-', ...flags, ...mock()], { stdin });
  expect([exitCode, stderr]).toEqual([2, 'Error: standard input has no requests\n']);
});
