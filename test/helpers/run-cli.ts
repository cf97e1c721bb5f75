import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type Manifest, readManifest } from '../../src/journal/manifest/manifest.ts';
import { type ResultLine, parseResultLine } from '../../src/core/result-line.ts';
import { waitUntil } from './wait.ts';

export const program = fileURLToPath(new URL('../../bin/llmbatch.js', import.meta.url));

export interface CliOutcome {
  stdout: string;
  stderr: string;
  /** Null where a signal ended the process. */
  exitCode: number | null;
}

export interface CliProcess {
  child: ChildProcess;
  outcome: Promise<CliOutcome>;
  stdout: () => string;
  stderr: () => string;
}

interface CliOptions {
  /** Another program than `bin/llmbatch.js`. */
  program?: string;
  /** Written to standard input, which is then closed; null leaves it open. */
  stdin?: string | null;
  environment?: Record<string, string>;
  /** The folder that it runs in, where that is another one. */
  cwd?: string;
  /** A process group of its own, as a shell gives to each command. */
  detached?: boolean;
}

/** A folder to run llmbatch in, with a home of its own; removed when the test has finished. */
export interface CliFolder {
  path: string;
  at: (name: string) => string;
  run: (args: string[], options?: CliOptions) => Promise<CliOutcome>;
  /** Starts it without waiting for its end. It is killed when the test has finished. */
  start: (args: string[], options?: CliOptions) => CliProcess;
  write: (name: string, text: string) => Promise<void>;
  text: (name: string) => Promise<string>;
  results: (name: string) => Promise<ResultLine[]>;
  manifest: (name: string) => Promise<Manifest>;
  /** Path and text of every file, the home's included. */
  everything: () => Promise<[path: string, text: string][]>;
}

export async function createCliFolder(): Promise<CliFolder> {
  const root = await mkdtemp(join(tmpdir(), 'llmbatch-cli-'));
  const path = join(root, 'work');
  await mkdir(path);
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const home = { HOME: root, XDG_STATE_HOME: join(root, 'state') };
  const at = (name: string): string => join(path, name);
  const text = (name: string): Promise<string> => readFile(at(name), 'utf8');
  const start = (args: string[], options: CliOptions = {}): CliProcess =>
    startCli(args, { cwd: path, ...options, environment: { ...home, ...options.environment } });
  return {
    path,
    at,
    start,
    run: (args, options) => start(args, options).outcome,
    write: (name, content) => writeFile(at(name), content),
    text,
    results: async (name) => readResults(await text(name)),
    async manifest(name) {
      const manifest = await readManifest(at(name));
      if (manifest === null) throw new Error(`no manifest: ${name}`);
      return manifest;
    },
    everything: async () => {
      // A draft that is renamed meanwhile is not there any more, under its old name.
      const read = (file: string): Promise<string | null> => readFile(file, 'latin1').catch(() => null);
      const found = await Promise.all((await allFiles(root)).map(async (file) => [file, await read(file)] as const));
      return found.flatMap(([file, content]): [string, string][] => (content === null ? [] : [[file, content]]));
    },
  };
}

function startCli(
  args: string[],
  options: CliOptions & { cwd: string; environment: Record<string, string> },
): CliProcess {
  const { stdin = '', cwd, environment, detached = false, program: path = program } = options;
  const child = spawn(process.execPath, [path, ...args], {
    cwd,
    detached,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: 'pipe',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const read = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (read.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (read.stderr += text));
  // A process that ends without reading its input breaks the pipe.
  child.stdin.on('error', () => {});
  if (stdin !== null) child.stdin.end(stdin);
  const outcome = new Promise<CliOutcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ ...read, exitCode }));
  });
  return { child, outcome, stdout: () => read.stdout, stderr: () => read.stderr };
}

export function readResults(text: string): ResultLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const result = parseResultLine(line);
      if (result === null) throw new Error(`not a result: ${line}`);
      return result;
    });
}

export const until: (condition: () => boolean | Promise<boolean>) => Promise<unknown> = waitUntil;

export const countLines = async (path: string): Promise<number> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').length - 1;

/** Every file under a folder, as paths. */
export async function allFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** `count` prompts, one JSON object a line: `{"id":"r1","prompt":"question 1"}`. */
export function prompts(count: number, from = 1): string {
  const lines = Array.from({ length: count }, (_, index) => ({
    id: `r${index + from}`,
    prompt: `question ${index + from}`,
  }));
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

/** Flags that answer a line of `prompts` by the mock engine. */
export const mock = (...options: string[]): string[] => [
  ...['-b', 'mock', '-m', 'mock', '--progress', 'none'],
  ...options.flatMap((option) => ['--option', option]),
];
