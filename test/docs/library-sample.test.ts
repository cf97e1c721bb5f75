import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';
import { exampleFilesOf } from './quick-starts.ts';

const run = promisify(execFile);

/** A folder of a user: the package as it is built, the questions of the README, and a program. */
async function userFolder(program: string): Promise<string> {
  const folder = await scratchFolder();
  await mkdir(path.join(folder, 'node_modules'));
  await symlink(process.cwd(), path.join(folder, 'node_modules', 'llmbatch'));
  const [questions] = exampleFilesOf(await readFile('README.md', 'utf8'));
  await writeFile(path.join(folder, questions?.name ?? ''), questions?.text ?? '');
  await writeFile(path.join(folder, 'sample.mts'), program);
  return folder;
}

/** Compiles `sample.mts` of the folder as a strict project of TypeScript does, with the types of the package checked too. */
const compile = (folder: string): Promise<unknown> =>
  run(process.execPath, [
    path.resolve('node_modules/typescript/bin/tsc'),
    ...['--ignoreConfig', '--strict', '--noUncheckedIndexedAccess', '--target', 'es2023', '--module', 'nodenext'],
    ...['--types', 'node', '--typeRoots', path.resolve('node_modules/@types'), path.join(folder, 'sample.mts')],
  ]);

const sampleOf = async (page: string): Promise<string> => {
  const [, sample = ''] = /^```ts\n(import \{[^}]*runBatch.*?)^```$/ms.exec(await readFile(page, 'utf8')) ?? [];
  return sample;
};

test.each(['README.md', 'docs/library.md'])('the sample of %s compiles and prints the answers', async (page) => {
  const folder = await userFolder(await sampleOf(page));
  await compile(folder);
  const environment = { ...process.env, XDG_STATE_HOME: path.join(folder, 'state') };
  const { stdout } = await run(process.execPath, ['sample.mjs'], { cwd: folder, env: environment });
  expect(stdout.trim().split('\n')).toEqual([
    'jp What is the capital of Japan?',
    'eg What is the capital of Egypt?',
    'de What is the capital of Germany?',
  ]);
});

test('a sample with a mistake does not compile', async () => {
  const sample = await sampleOf('README.md');
  const folder = await userFolder(sample.replace('answerOf(line) ??', 'line.response.body.choices[0].message ??'));
  await expect(compile(folder)).rejects.toMatchObject({ stdout: expect.stringContaining('possibly') });
});

test('the page of the library names each export of the package', async () => {
  const source = await readFile('src/index.ts', 'utf8');
  const lists = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) => names.split(','));
  const declared = [...source.matchAll(/^export (?:async )?(?:function\*?|interface) (\w+)/gm)].map(
    ([, name = '']) => name,
  );
  const page = await readFile('docs/library.md', 'utf8');
  const names = [...lists.map((name) => name.trim()), ...declared];
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !new RegExp(`\`${name}\\b`).test(page))).toEqual([]);
});
