import { execFile } from 'node:child_process';
import { cp, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratchFolder } from '../helpers/scratch-folder.ts';

const packing = 'npm pack --silent';

/** What packing needs, in a folder of its own: a build here would change `dist` under other tests. */
async function copyOfSources(): Promise<string> {
  const folder = await scratchFolder();
  const parts = ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'bin', 'src', 'CHANGELOG.md'];
  await Promise.all(parts.map((part) => cp(part, path.join(folder, part), { recursive: true })));
  await symlink(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

test('the README installs what packing prints, and that is the name of the package alone', async () => {
  expect(await readFile('README.md', 'utf8')).toContain(`npm install -g "$(${packing})"`);
  const cwd = await copyOfSources();
  // As in a user's shell: in a test, the bundler keeps its report to itself.
  const { NODE_ENV: _env, VITEST: _vitest, TEST: _test, ...env } = process.env;
  const { stdout } = await promisify(execFile)('sh', ['-c', packing], { cwd, env });
  expect(stdout).toMatch(/^llmbatch-[\d.]+\.tgz\n$/);
});
