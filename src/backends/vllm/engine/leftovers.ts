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
  const parent = /^PPid:\s(\d+)$/m.exec(status)?.[1];
  if (name === undefined || parent === undefined || !(await takesOrphans(folder, parent))) return null;
  return `process ${pid} (${name}) was left by an earlier engine, and may use GPU memory: kill ${pid}`;
}

/** The first process does, and on a desktop the user's own systemd. */
async function takesOrphans(folder: string, pid: string): Promise<boolean> {
  if (pid === '1') return true;
  return (await readFile(`${folder}/${pid}/comm`, 'utf8').catch(() => '')) === 'systemd\n';
}
