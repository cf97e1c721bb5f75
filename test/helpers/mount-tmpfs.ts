import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { onTestFinished } from 'vitest';

/** Mounts a small file system, until the test has finished; only root can. */
export function mountTmpfs(path: string, options: string): { remount: (options: string) => void } {
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', path]);
  onTestFinished(() => void execFileSync('umount', ['-l', path]));
  return { remount: (changed) => void execFileSync('mount', ['-o', `remount,${changed}`, path]) };
}

export function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}
