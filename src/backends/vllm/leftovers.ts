import { readFile, readdir } from 'node:fs/promises';

/**
 * Processes of vLLM's whose parent is gone: an engine that was killed from outside leaves them, and they keep the memory of
 * the GPU. A sentence for each. Ours end with their worker, so these are other programs' and are only named. Linux only.
 */
export async function leftovers(folder = '/proc'): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map((pid) => leftover(folder, pid)));
  return found.filter((sentence) => sentence !== null);
}

async function leftover(folder: string, pid: string): Promise<string | null> {
  const [commandLine = '', status = ''] = await Promise.all(
    ['cmdline', 'status'].map((file) => readFile(`${folder}/${pid}/${file}`, 'utf8').catch(() => '')),
  );
  const name = /^VLLM::\w+/.exec(commandLine)?.[0];
  if (name === undefined || !/^PPid:\s1$/m.test(status)) return null;
  return `process ${pid} (${name}) was left by an engine that is gone, and may hold GPU memory: kill ${pid}`;
}
