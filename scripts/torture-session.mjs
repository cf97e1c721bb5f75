import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';

/** Every process of a session carries this variable in its environment, whoever its parent is. */
const marker = 'LLMBATCH_TORTURE_SESSION';

/** Starts one session of a run, and notes what it acknowledges. */
export function startSession({ program, words, folder, stateFolder }) {
  const name = randomUUID();
  const child = spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: { ...process.env, [marker]: name, XDG_STATE_HOME: stateFolder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const session = { done: null, printed: [], stderr: [], hasEnded: false };
  readWholeLines(child.stdout, (line) => session.printed.push(line));
  readWholeLines(child.stderr, (line) => {
    session.stderr.push(line);
    session.done = doneOf(line) ?? session.done;
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode, signal) => {
      session.hasEnded = true;
      resolve(exitCode ?? signal);
    });
  });

  return {
    /** Resolves with the exit code, or with the name of the signal. */
    ended,
    hasEnded: () => session.hasEnded,
    stderr: () => session.stderr.join('\n'),
    /** The last count of results that the display showed (null where it showed none), and the lines on stdout. */
    acknowledged: () => ({ done: session.done, printed: session.printed }),
    /** Kills the runner, the engine, one process of the engine (`part`), or both; false when there was none of that kind. */
    async kill(target, below) {
      const engines = (await processesOf(name)).filter((pid) => pid !== child.pid);
      if (target !== 'runner' && engines.length === 0) return false;
      if (target === 'part') killProcess(engines[below(engines.length)]);
      else if (target !== 'runner') engines.forEach(killProcess);
      return target === 'engine' || target === 'part' || child.kill('SIGKILL');
    },
    /** The session's processes that still live when the time is over. */
    async processesLeft(withinMs) {
      const end = Date.now() + withinMs;
      let left = await processesOf(name);
      while (left.length > 0 && Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        left = await processesOf(name);
      }
      return left;
    },
  };
}

/** A line that the death of its writer cut is none. */
function readWholeLines(stream, onLine) {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    lines.forEach(onLine);
  });
}

/** The results that are done by a line of `--progress json`; null for any other line. */
function doneOf(line) {
  return /^\{.*"done":(\d+)/.exec(line)?.[1] === undefined ? null : JSON.parse(line).done;
}

async function processesOf(name) {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const environments = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => environments[index].includes(`${marker}=${name}`)).map(Number);
}

function killProcess(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
