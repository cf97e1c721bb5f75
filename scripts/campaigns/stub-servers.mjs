// Starts stubs of servers (stub-server.mjs), each a process of its own that trouble can be made for.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.mjs';

const script = fileURLToPath(new URL('stub-server.mjs', import.meta.url));

/** One stub: {ms, slots, kind}. */
export async function startStub(options) {
  const port = await freePort();
  let child = null;
  const start = async () => {
    const flags = Object.entries({ ...options, port }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    child = spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
  };
  await start();
  return {
    ...options,
    url: `http://127.0.0.1:${port}/v1`,
    name: `127.0.0.1:${port}`,
    start,
    /** Ends it, stops it or lets it go on. */
    signal: (name) => child.kill(name),
    /** Changes how it answers: {ms, status, model}. */
    change: (changes) => fetch(`http://127.0.0.1:${port}/stub`, { method: 'POST', body: JSON.stringify(changes) }),
    end: () => child.kill('SIGKILL'),
  };
}

/** The flags that name servers. */
export const flagsOf = (stubs) => ['-b', 'openai', ...stubs.flatMap(({ url }) => ['--base-url', url])];
