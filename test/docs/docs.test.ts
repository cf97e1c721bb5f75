import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { allErrorKinds, groupOf, isTransient, stopsTheRun } from '../../src/core/errors.ts';
import { snapshotToWire } from '../../src/core/snapshot.ts';
import { program as cli, createCliFolder } from '../helpers/run-cli.ts';
import { law } from '../house/plants.ts';
import { onServers } from '../progress/capture.ts';
import { lawTable } from './law-table.ts';
import { type Program, filledIn, flagsOf, unknownFlags, wrongDefaults } from './flags.ts';
import { type Page, anchorsOf, brokenLinks, missingPaths, readPages, relativeLinksOf, tableBetween } from './pages.ts';

let pages: Page[];
let program: Program;

beforeAll(async () => {
  pages = await readPages();
  program = await readProgram();
});

const print = async (...args: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [cli, ...args])).stdout;

/** The commands are those that the help of the program lists. */
async function readProgram(): Promise<Program> {
  const [, list = ''] = /^Commands:\n(.*?)\n\n/ms.exec(await print('--help')) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
  const helpOf = async (name: string): Promise<string> =>
    (await print(name, '--help-all')).replace(/\nExit codes:.*/s, '');
  const helps = await Promise.all(names.map(async (name) => [name, await helpOf(name)] as const));
  const [, topicNames = ''] = /on ([a-z,\s-]+)\./.exec(await print('help', '--help')) ?? [];
  const topics = await Promise.all(
    topicNames.split(/,\s+/).map(async (name) => [name, await print('help', name)] as const),
  );
  return {
    helps: new Map(helps),
    topics: new Map(topics),
    backends: JSON.parse(await print('backends', '--json')) as Program['backends'],
  };
}

const pageAt = (file: string): Page => pages.find((page) => page.path === file) ?? { path: file, text: '' };

describe('the documents', () => {
  test('link only to what is there', () => {
    const broken = pages.flatMap((page) => brokenLinks(page, pages, existsSync).map((link) => `${page.path}: ${link}`));
    expect(broken).toEqual([]);
  });

  test('can all be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const file of reached) {
      for (const link of relativeLinksOf(pageAt(file).text)) {
        const target = path.posix.join(path.posix.dirname(file), link.split('#')[0] ?? '');
        if (pages.some((page) => page.path === target)) reached.add(target);
      }
    }
    expect(pages.map((page) => page.path).filter((file) => !reached.has(file))).toEqual([]);
  });

  test('name only flags and options that the program has', () => {
    const unknown = pages.flatMap((page) => unknownFlags(page, program).map((flag) => `${page.path}: ${flag}`));
    expect(unknown).toEqual([]);
  });

  test('give each flag the default that the program has', () => {
    const wrong = pages.flatMap((page) => wrongDefaults(page, program).map((row) => `${page.path}: ${row}`));
    expect(wrong).toEqual([]);
  });

  test('name only files and scripts that are there', async () => {
    const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: Record<string, string> };
    const missing = pages.flatMap((page) =>
      missingPaths(page, existsSync, Object.keys(scripts)).map((file) => `${page.path}: ${file}`),
    );
    expect(missing).toEqual([]);
  });

  test('keep the line that installs and tests the whole', () => {
    expect(pageAt('README.md').text).toContain('npm ci && npm test ');
  });
});

/** Where they differ, `npx vitest run test/docs -u` writes them anew. */
describe('what the documents show of the program', () => {
  test('is each command with its flags', async () => {
    const page = pageAt('docs/commands.md');
    for (const name of [...program.helps.keys(), ...program.topics.keys()])
      expect(page.text).toContain(`<!-- help: ${name} -->`);
    await expect(filledIn(page, program)).toMatchFileSnapshot('../../docs/commands.md');
  });

  test('is each engine with its options', async () => {
    for (const { name } of program.backends) {
      const page = pageAt(`docs/backends/${name}.md`);
      expect(page.text).toContain(`<!-- options: ${name} -->`);
      await expect(filledIn(page, program)).toMatchFileSnapshot(`../../${page.path}`);
    }
  });

  test.each([
    ['docs/new-backend.md', 'examples/echo-backend.ts', 'ts'],
    ['docs/many-machines.md', 'examples/slurm-array.sh', 'sh'],
    ['docs/many-machines.md', 'examples/kubernetes-job.yaml', 'yaml'],
    ['docs/many-machines.md', 'examples/ray-job.yaml', 'yaml'],
  ])('is, in %s, the example %s', async (file, example, language) => {
    const code = await readFile(example, 'utf8');
    const block = `\n\`\`\`${language}\n${code.trim()}\n\`\`\`\n\n`;
    const text = pageAt(file).text.replace(
      new RegExp(`(<!-- file: ${example.replaceAll('.', String.raw`\.`)} -->\n).*?(<!-- /file -->)`, 's'),
      (_, start: string, end: string) => `${start}${block}${end}`,
    );
    expect(text).toContain(block);
    await expect(text).toMatchFileSnapshot(`../../${file}`);
  });

  test('is what each folder may import', async () => {
    const page = pageAt('docs/architecture.md');
    expect(page.text).toContain('<!-- law -->');
    const text = page.text.replace(/(<!-- law -->\n).*(<!-- \/law -->)/s, `$1\n${lawTable(law)}\n\n$2`);
    await expect(text).toMatchFileSnapshot('../../docs/architecture.md');
  });

  test('is each folder of the sources', async () => {
    const [, tree = ''] = /^```\nsrc\/\n(.*?)^```$/ms.exec(pageAt('docs/architecture.md').text) ?? [];
    const shown = [...tree.matchAll(/^ {2}([a-z-]+(?:\/|\.ts))/gm)].map(([, name = '']) => name);
    const there = await readdir('src', { withFileTypes: true });
    const names = there.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    expect(shown.toSorted()).toEqual(names.toSorted());
  });

  test('is each kind of failure', () => {
    const does = (kind: (typeof allErrorKinds)[number]): string =>
      isTransient(kind) ? 'retried' : stopsTheRun(kind) ? 'stops the run' : 'fails';
    const rows = tableBetween(pageAt('docs/errors.md').text, 'kinds').map((row) => row.slice(0, 3));
    expect(rows).toEqual(allErrorKinds.map((kind) => [kind, does(kind), groupOf(kind)]));
  });

  test('is each exit code', async () => {
    const [, list = ''] = /^Exit codes:\n(.*)/ms.exec(await print('--help')) ?? [];
    const codes = [...list.matchAll(/^ {2}([\d, ]+?) {2}/gm)].flatMap(([, code = '']) => code.split(', '));
    expect(codes.length).toBeGreaterThan(6);
    const shown = [...pageAt('docs/errors.md').text.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap(([, code = '']) =>
      code.split(', '),
    );
    expect(shown).toEqual(codes);
  });

  test.each([
    ['src/index.ts', 'BatchOptions', 'docs/library.md', 'batch options'],
    ['src/core/backend.ts', 'BackendDefinition', 'docs/new-backend.md', 'definition'],
    ['src/core/backend.ts', 'Backend', 'docs/new-backend.md', 'backend'],
  ])('is each member of what is in %s: %s', async (source, type, file, table) => {
    const text = await readFile(source, 'utf8');
    const [, members = ''] = new RegExp(`^export interface ${type} \\{\n(.*?)^\\}`, 'ms').exec(text) ?? [];
    const names = [...members.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)].map(([, name = '']) => name);
    const listed = tableBetween(pageAt(file).text, table).map(([name = '']) => name.replace(/\(.*/, ''));
    expect(names.length).toBeGreaterThan(3);
    expect(listed).toEqual(names);
  });

  test('is what a run leaves behind', async () => {
    const folder = await createCliFolder();
    await folder.write('mine.jsonl', '{"prompt":"Hi","model":"mock"}\n');
    await folder.run(['run', 'mine.jsonl', '-b', 'mock']);
    const manifest = JSON.parse(await folder.text('mine.results.jsonl.run.json')) as Record<string, unknown>;
    const { text } = pageAt('docs/output-and-resume.md');
    const listed = tableBetween(text, 'manifest').map(([key]) => key ?? '');
    const inner = ['input', 'settings', 'runner'].flatMap((name) =>
      Object.keys(manifest[name] as object).map((key) => `${name}.${key}`),
    );
    expect(listed.toSorted()).toEqual([...Object.keys(manifest), ...inner].toSorted());
    const numbers = tableBetween(text, 'summary').flatMap(([keys = '']) => keys.split(', '));
    expect(numbers).toEqual(expect.arrayContaining(Object.keys(manifest['summary'] as object)));
    const ofServers = tableBetween(text, 'servers').flatMap(([keys = '']) => keys.split(', '));
    const [first] = (snapshotToWire(onServers) as { servers: Record<string, unknown>[] }).servers;
    const rates = /^(recent|overall)_|_basis$|_includes_cached$/;
    expect(ofServers).toEqual(expect.arrayContaining(Object.keys(first!).filter((key) => !rates.test(key))));
    const [result] = await folder.results('mine.results.jsonl');
    const described = tableBetween(text, 'details').flatMap(([keys = '']) => keys.split(', '));
    expect(described).toEqual(expect.arrayContaining(Object.keys(result?.llmbatch ?? { none: true })));
  });
});

describe('a mistake in a document is found:', () => {
  const plant = (text: string, file = 'docs/planted.md'): Page => ({ path: file, text });

  test('a link to no file, and to no heading', () => {
    const page = plant('# One\n[a](gone.md) [b](#two) [c](#one) [d](https://x.y) [e](input.md#ids) [f](input.md#no)');
    expect(brokenLinks(page, [...pages, page], (file) => file === page.path || existsSync(file))).toEqual([
      'gone.md',
      '#two',
      'input.md#no',
    ]);
  });

  test('headings that are equal, and headings with code and signs', () => {
    expect([...anchorsOf('# A b\n## A b\n### `run`: what, why?\n```\n# no\n```\n')]).toEqual([
      'a-b',
      'a-b-1',
      'run-what-why',
    ]);
  });

  test('a flag that no command has, and one that another command has', () => {
    const page = plant(
      'Take `--wrokers 3`.\n```sh\ncat x | llmbatch run - --limit 3 | jq --arg a b .    # --x\n$ llmbatch status --limit 3\nllmbatch rn x\n```\n',
    );
    expect(unknownFlags(page, program)).toEqual(['--wrokers', 'llmbatch status --limit', 'llmbatch rn']);
  });

  test('a file that is not there, and a script that is not', () => {
    const page = plant(
      '`src/gone.ts`, `core/gone.ts`, `core/errors.ts`, `src/core/`\n```sh\nnpm run check; npm run chekc\n```\n',
    );
    expect(missingPaths(page, existsSync, ['check'])).toEqual(['src/gone.ts', 'core/gone.ts', 'npm run chekc']);
  });

  test('an option that the engine of the page does not have', () => {
    expect(unknownFlags(plant('`--option num_ctx=3`', 'docs/backends/mock.md'), program)).toEqual(['--option num_ctx']);
  });

  test('a default that is another one', () => {
    const table =
      '| when | flag | default |\n| --- | --- | --- |\n| turns | `--trim-every` | 50 |\n| a | `--keep-messages` | 41 |\n';
    expect(wrongDefaults(plant(table), program)).toEqual(['--keep-messages 41']);
  });

  test('a usage block and an option table that are out of date', () => {
    const [usage, table] = [
      '<!-- help: status -->\nold\n<!-- /help -->',
      '<!-- options: mock -->\nold\n<!-- /options -->',
    ];
    expect(filledIn(plant(usage), program)).toContain('```text\nUsage: llmbatch status');
    expect(filledIn(plant(table), program)).toContain('| `latency_ms` | time for an answer');
    expect([...flagsOf(filledIn(plant(usage), program))]).toContain('--json');
  });
});
