import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readSettings } from '../../../../src/backends/ollama/doctor/server-settings.ts';
import { scratchFolder } from '../../../helpers/scratch-folder.ts';
import { freePort } from '../../../helpers/serve.ts';

/** A process of this name that listens, with these variables. Resolves to its address. */
async function startProcess(name: string, environment: Record<string, string>): Promise<string> {
  const program = join(await scratchFolder(), name);
  await symlink(process.execPath, program);
  const script = `const server = require('node:net').createServer();
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`;
  const child = spawn(program, ['-e', script], { env: environment, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return `http://127.0.0.1:${Number(port.toString())}`;
}

const secrets = { OLLAMA_API_KEY: 'sk-secret', AWS_SECRET_ACCESS_KEY: 'secret', HOME: '/secret' };

describe.skipIf(process.platform !== 'linux')("the server's settings", () => {
  test('are what its process was started with, and nothing else of it', async () => {
    const url = await startProcess('ollama', { ...secrets, OLLAMA_NUM_PARALLEL: '4', LLAMA_ARG_CACHE_RAM: '' });
    const settings = await readSettings({ url, isLocal: true, key: null });
    expect(settings?.startedBy).toBe('command');
    expect(settings?.values).toEqual({
      OLLAMA_NUM_PARALLEL: '4',
      OLLAMA_CONTEXT_LENGTH: null,
      OLLAMA_KEEP_ALIVE: null,
      OLLAMA_KV_CACHE_TYPE: null,
      OLLAMA_FLASH_ATTENTION: null,
      OLLAMA_MAX_LOADED_MODELS: null,
      OLLAMA_MAX_QUEUE: null,
      LLAMA_ARG_CACHE_RAM: null,
      LLAMA_ARG_SWA_FULL: null,
    });
  });

  test('are not those of a tunnel or a proxy that listens in its place', async () => {
    const url = await startProcess('docker-proxy', { OLLAMA_NUM_PARALLEL: '4' });
    expect(await readSettings({ url, isLocal: true, key: null })).toBeNull();
  });

  test('are not seen of a server elsewhere, or of none', async () => {
    const url = await startProcess('ollama', { OLLAMA_NUM_PARALLEL: '4' });
    expect(await readSettings({ url, isLocal: false, key: null })).toBeNull();
    const nothing = { url: `http://127.0.0.1:${await freePort()}`, isLocal: true, key: null };
    expect(await readSettings(nothing)).toBeNull();
  });
});
