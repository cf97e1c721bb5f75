// A real Ollama server as the campaigns use it: its address, the tokens that its log says were computed, and its restart.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Runs a command of the one who measures, such as the one that starts the server, by a shell of his own. */
export const runCommand = (command) => execFileSync('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] });
export const startCommand = (command) => spawn('sh', ['-c', command], { stdio: 'ignore', detached: true }).unref();

export async function versionOf(host) {
  const response = await fetch(`http://${host}/api/version`);
  return (await response.json()).version;
}

/**
 * Prompt tokens that were computed and not taken from a cache, by the server's log: from version 0.33.3 on each answer
 * says it too; before, only the log does. Null without a log, and where a server that was started again began a new one.
 */
export function computedTokens(path) {
  if (path === undefined) return { since: () => null };
  let offset = sizeOf(path);
  return {
    since() {
      const from = offset;
      offset = sizeOf(path);
      if (offset < from) return null;
      const lines = readFrom(path, from).matchAll(/prompt eval time =\s+[\d.]+ ms \/\s+(\d+) tokens/g);
      return [...lines].reduce((sum, [, tokens]) => sum + Number(tokens), 0);
    },
  };
}

function sizeOf(path) {
  const file = openSync(path);
  const { size } = fstatSync(file);
  closeSync(file);
  return size;
}

function readFrom(path, offset) {
  const file = openSync(path);
  const bytes = Buffer.alloc(fstatSync(file).size - offset);
  readSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
  return bytes.toString('latin1');
}
