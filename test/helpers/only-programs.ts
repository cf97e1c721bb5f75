import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scratchFolder } from './scratch-folder.ts';

/** Programs of this name, in a folder that is all of the PATH. */
export async function onlyPrograms(programs: Record<string, string> = {}): Promise<NodeJS.ProcessEnv> {
  const folder = await scratchFolder();
  for (const [name, body] of Object.entries(programs)) {
    const file = join(folder, name);
    await writeFile(file, `#!/bin/sh\n${body}\n`);
    await chmod(file, 0o755);
  }
  return { PATH: folder };
}
