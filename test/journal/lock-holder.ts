import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const script = fileURLToPath(new URL('hold-lock.mjs', import.meta.url));

/** Another process that takes locks; killed when the test has finished. */
export interface LockHolder {
  child: ChildProcess;
  /** 'acquired', or 'refused: ...'. */
  acquire: (output: string) => Promise<string>;
  release: () => Promise<string>;
  /** Ends it as a crash would: nothing is released. */
  kill: () => Promise<void>;
}

/** `wrapper`: a command, with its arguments, that starts the process. */
export function startLockHolder(wrapper: string[] = []): LockHolder {
  const [command = process.execPath, ...args] = wrapper.concat(process.execPath, script);
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (line: string): Promise<string> => {
    child.stdin.write(`${line}\n`);
    const answer = await answers.next();
    return answer.done === true ? 'gone' : answer.value;
  };
  return { child, kill, acquire: (output) => ask(`acquire\t${output}`), release: () => ask('release') };
}
