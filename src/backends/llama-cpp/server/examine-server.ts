import { execa } from 'execa';
import { isSecretName } from '../../../text/secret-name.ts';

/** A `llama-server` that can be started. */
export interface LlamaServer {
  path: string;
  /** As it names it: `0.7.0 (build 11669)`, or `b6123` of a time before such numbers. */
  version: string;
  /** What it can compute on beside the CPU, by its own names: `CUDA0`, `Vulkan0`. */
  devices: string[];
}

/** Longest time in milliseconds that a server may take to tell of itself: a GPU's driver may be slow to wake. */
const maxMs = 60_000;

/** Asks a program for its version and its devices; null where it is not there, or is no `llama-server`. */
export async function examineServer(path: string): Promise<LlamaServer | null> {
  const ask = (flag: string) =>
    execa(path, [flag], { all: true, reject: false, stdin: 'ignore', timeout: maxMs, env: serverVariables() });
  const told = await ask('--version');
  const [, number, build] = /^version: (\S+) \((?:build (\d+))?/m.exec(told.all) ?? [];
  if (told.failed || number === undefined) return null;
  const version = build === undefined ? number.replace(/^(?=\d+$)/, 'b') : `${number} (build ${build})`;
  const { all: list } = await ask('--list-devices');
  return { path, version, devices: [...list.matchAll(/^ {2}(\w+): /gm)].map(([, name = '']) => name) };
}

/** `CUDA` of `CUDA0`; llama.cpp calls Metal `MTL0`. */
export function deviceKind(device: string): string {
  const kind = device.replace(/\d+$/, '');
  return kind === 'MTL' ? 'Metal' : kind;
}

export const devicesOfKind = ({ devices }: LlamaServer, kind: string): string[] =>
  devices.filter((name) => deviceKind(name).toLowerCase() === kind);

/**
 * Variables of this program without secrets, of which a server needs none, and without those by which a `llama-server`
 * takes other settings than it is given.
 */
export const serverVariables = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('LLAMA_') && !isSecretName(name)));
