import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { findCircles, findHiddenImports } from './imports.ts';
import { pending } from './pending.ts';
import { importPath, law, plantImports, plantedCircles } from './plants.ts';
import { readSource, readSources, root } from './read-sources.ts';

interface Problem {
  code: string;
  filename: string;
  labels: { span: { line: number } }[];
}

interface Settings {
  overrides: { files: string[]; rules: Record<string, unknown> }[];
}

const settings = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as Settings;

/** Overrides that free single files, by their names, from the law until they keep it. */
const exemptions = settings.overrides.filter(
  ({ rules }) => rules['no-restricted-imports'] === 'off' || rules['import/no-cycle'] === 'off',
);

/** Runs the linter over `src/` of a folder with our settings, exemptions left out; resolves to what it says of imports. */
async function lintImports(folder: string): Promise<Problem[]> {
  const overrides = settings.overrides.filter((each) => !exemptions.includes(each));
  await writeFile(join(folder, '.oxlintrc.json'), JSON.stringify({ ...settings, overrides }));
  const command = join(root, 'node_modules/.bin/oxlint');
  const output = await new Promise<string>((resolve) => {
    execFile(command, ['--format', 'json'], { cwd: folder, maxBuffer: 2 ** 28 }, (_error, stdout) => resolve(stdout));
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: Problem[] };
  return diagnostics.filter(({ code }) => /no-restricted-imports|no-cycle/.test(code));
}

/** Writes files below `src/` of a folder. */
async function writeSources(folder: string, texts: Iterable<[path: string, text: string]>): Promise<void> {
  for (const [path, text] of texts) {
    await mkdir(dirname(join(folder, 'src', path)), { recursive: true });
    await writeFile(join(folder, 'src', path), text);
  }
}

describe('the linter', () => {
  const folders = [...new Set(readSources().map(({ path }) => posix.dirname(path)))].filter((path) => path !== '.');

  test('passes what the law allows and refuses all else, at every depth and in every form', async () => {
    const planted = plantImports();
    const texts = new Map<string, string>();
    for (const { path, text } of planted) texts.set(path, `${texts.get(path) ?? ''}${text}\n`);
    const folder = await scratchFolder();
    await writeSources(folder, texts);
    const problems = await lintImports(folder);
    const refused = new Set(problems.map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`));
    const wrong = planted.filter(({ path, line, isRefused }) => refused.has(`src/${path}:${line}`) !== isRefused);
    expect(wrong).toEqual([]);
  });

  test('refuses circles of values and of types, and passes the tree', async () => {
    const folder = await scratchFolder();
    await cp(join(root, 'src'), join(folder, 'src'), { recursive: true });
    // A folder that no override names would be free.
    const upward = folders.map((path) => `${path}/planted-upward.ts`);
    await writeSources(folder, [
      ...upward.map((path): [string, string] => [path, `export * from '${importPath(path, 'cli.ts')}';`]),
      ...Object.entries(plantedCircles),
    ]);
    const refused = new Set((await lintImports(folder)).map(({ code, filename }) => `${filename} ${code}`));
    const expected = [
      ...upward.map((path) => `src/${path} eslint(no-restricted-imports)`),
      ...Object.keys(plantedCircles).map((path) => `src/${path} import(no-cycle)`),
    ];
    expect(expected.filter((each) => !refused.has(each))).toEqual([]);
    const others = [...refused].filter((each) => !expected.includes(each)).map((each) => each.replace(/ .*/, ''));
    expect(new Set(others)).toEqual(new Set(exemptions.flatMap(({ files }) => files)));
  });

  test('has a law for every folder', () => {
    const tops = (paths: string[]) => new Set(paths.map((path) => path.replace(/\/.*/, '')));
    expect(tops(folders)).toEqual(tops(Object.keys(law)));
  });
});

describe('the files of src', () => {
  const sources = readSources();

  test('are imported in ways that the linter sees', () => {
    expect(sources.flatMap(findHiddenImports)).toEqual([]);
  });

  test.each([
    ["export type A = import('../journal/lock.ts').Lock;", 'is a type of another file'],
    ["export type A = typeof import('../journal/lock.ts');", 'is a type of another file'],
    ["new URL('../journal/lock.ts', import.meta.url);", 'reaches into another folder'],
    ["const path = '../journal/lock.ts'; new URL(path, import.meta.url);", 'reaches into another folder'],
    ['new URL(`../${name}/lock.ts`, import.meta.url);', 'reaches into another folder'],
    ["new URL('../backends/ollama/index.ts', import.meta.url);", 'reaches into another folder'],
    ["import { a } from './../journal/lock.ts';", 'is not the shortest path'],
    ["import { a } from '../core/../journal/lock.ts';", 'is not the shortest path'],
    ["import { a } from '../../src/journal/lock.ts';", 'is not the shortest path'],
    ["import type { A } from 'llmbatch';", 'imports the package from within'],
    ['export const a = (name: string) => import(`../${name}/lock.ts`);', 'computed path'],
  ])('would be found out with %s', (text, reason) => {
    const [found = ''] = findHiddenImports(readSource('input/planted.ts', text));
    expect(found).toContain('input/planted.ts: ');
    expect(found).toContain(reason);
  });

  test('may read data outside of src and files of their own folder, and import packages', () => {
    const text = [
      "import { z } from 'zod';",
      "import { a } from '../core/errors.ts';",
      "export type Z = typeof import('zod');",
      "new URL('../../package.json', import.meta.url);",
      "new URL('./planted/worker.ts', import.meta.url);",
    ];
    expect(findHiddenImports(readSource('input/planted.ts', text.join('\n')))).toEqual([]);
  });

  test('make no circle, nor do their folders', () => {
    const circles = findCircles(sources);
    expect(circles.filter((circle) => !pending.circles.includes(circle))).toEqual([]);
    expect(pending.circles.filter((circle) => !circles.includes(circle))).toEqual([]);
  });

  test('would be found out in a circle of folders or of dynamic imports', () => {
    const files = {
      'core/a.ts': "import type { B } from '../files/b.ts';",
      'files/b.ts': "import type { C } from './deep/c.ts';",
      'files/deep/c.ts': "import type { D } from '../../core/d.ts';",
      'bench/plan/a.ts': "import { b } from '../b.ts';",
      'bench/b.ts': "export * from './plan/c.ts';",
      'run/a.ts': "import { b } from '../core/a.ts';",
      'input/a.ts': "export const a = () => import('./b.ts');",
      'input/b.ts': "export { a } from './a.ts';",
    };
    const planted = Object.entries(files).map(([path, text]) => readSource(path, text));
    expect(findCircles(planted)).toEqual(['core, files', 'bench/b.ts, bench/plan', 'input/a.ts, input/b.ts']);
  });
});
