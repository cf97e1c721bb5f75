import { randomUUID } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { vllmBackend } from '../../src/backends/vllm/index.ts';
import type { Backend, OpenRequest } from '../../src/core/backend.ts';
import { openRequest } from './open-request.ts';
import { waitUntil } from './wait.ts';

/** The fake `vllm` package; test/fake-vllm/vllm/fake/settings.py says what the variables do. */
const folder = fileURLToPath(new URL('../fake-vllm', import.meta.url));

export const fakeModel = 'fake/tiny-scorer';

export interface FakeVllm {
  platform?: 'cpu' | 'cuda' | 'none';
  stepMs?: number;
  loadMs?: number;
  kvTokens?: number;
  /** Names of faults, with commas between. */
  fault?: string;
  /** A file that is not there yet: the faults happen once. */
  once?: string;
  /** Folders that Python looks into before the fake's. */
  before?: string;
}

/** The environment that makes a Python find the fake. `mark` is in that of each process that comes of it. */
export function fakeVllm(fake: FakeVllm = {}): { environment: Record<string, string>; mark: string } {
  const mark = randomUUID();
  const { platform = 'cpu', stepMs = 0, loadMs = 0, kvTokens = 65_536, fault = '', once = '', before } = fake;
  const environment = {
    PATH: process.env['PATH'] ?? '',
    PYTHONPATH: before === undefined ? folder : `${before}${delimiter}${folder}`,
    PYTHONDONTWRITEBYTECODE: '1',
    FAKE_VLLM_PLATFORM: platform,
    FAKE_VLLM_STEP_MS: String(stepMs),
    FAKE_VLLM_LOAD_MS: String(loadMs),
    FAKE_VLLM_KV_TOKENS: String(kvTokens),
    FAKE_VLLM_FAULT: fault,
    FAKE_VLLM_ONCE: once,
    FAKE_VLLM_MARK: mark,
  };
  return { environment, mark };
}

export interface OpenedVllm {
  backend: Backend;
  mark: string;
  notices: string[];
  restarts: string[];
  loads: Parameters<OpenRequest['onEngineLoad']>[0][];
}

/** Opens the backend on the fake; it is closed when the test has finished. */
export async function openFakeVllm(fake: FakeVllm = {}, changes: Partial<OpenRequest> = {}): Promise<OpenedVllm> {
  const opened = await openSharedVllm(fake, changes);
  onTestFinished(() => opened.backend.close());
  return opened;
}

/** Opens it for several tests: they close it. */
export async function openSharedVllm(fake: FakeVllm = {}, changes: Partial<OpenRequest> = {}): Promise<OpenedVllm> {
  const { environment, mark } = fakeVllm(fake);
  const said = { notices: [] as string[], restarts: [] as string[], loads: [] as OpenedVllm['loads'] };
  const backend = await vllmBackend.open(
    openRequest(changes.model ?? fakeModel, {
      environment,
      onNotice: (text) => said.notices.push(text),
      onRestart: (reason) => said.restarts.push(reason),
      onEngineLoad: (load) => said.loads.push(load),
      ...changes,
    }),
  );
  return { backend, mark, ...said };
}

/** The processes with the mark, zombies left out. */
export async function markedProcesses(mark: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(mark)),
  );
  return pids.filter((_, index) => found[index]).map(Number);
}

/** Waits until none of them is alive. */
export const untilNoneIsLeft = (mark: string): Promise<unknown> =>
  waitUntil(async () => (await markedProcesses(mark)).length === 0);

/** The one process of an engine whose parent is this one: its core, where it has one. */
export async function childOf(parent: number, mark: string): Promise<number> {
  for (const pid of await markedProcesses(mark)) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (status.includes(`\nPPid:\t${parent}\n`) && commandLine.includes('spawn_main')) return pid;
  }
  throw new Error(`process ${parent} has no child`);
}
