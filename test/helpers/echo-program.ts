import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

const program = `
import { backends } from 'llmbatch';
import { main } from 'llmbatch/cli';
import { echoBackend } from './examples/echo-backend.js';

await main(process.argv, { backends: [...backends, echoBackend] });
`;

/**
 * A program of a user's, outside of this repository: the package's command with the engine of `examples/` beside its own.
 * Made once for the tests of a file.
 */
export function useEchoProgram(): { path: () => string } {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llmbatch-echo-'));
    const flags = ['--module', 'nodenext', '--target', 'es2023', '--rewriteRelativeImportExtensions'];
    const alone = ['--ignoreConfig', '--noResolve', '--noCheck', '--isolatedModules'];
    await execa(
      join(root, 'node_modules', '.bin', 'tsc'),
      [...flags, ...alone, '--rootDir', root, '--outDir', folder, join(root, 'examples', 'echo-backend.ts')],
      { cwd: folder },
    );
    await symlink(join(root, 'dist'), join(folder, 'src'));
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules', 'llmbatch'));
    await symlink(join(root, 'node_modules', 'zod'), join(folder, 'node_modules', 'zod'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'llmbatch.js'), program);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return { path: () => join(folder, 'llmbatch.js') };
}
