import { EngineError } from '../../../core/errors.ts';
import type { EngineSettings, GpuChoice, ServerSettings } from '../options.ts';
import { type LlamaServer, deviceKind, devicesOfKind } from './examine-server.ts';
import { makeSocket } from './socket-folder.ts';

/** Prepares a server's start. Throws an `EngineError` where it has no device of the wanted kind. */
export async function serverSettings(server: LlamaServer, gpu: GpuChoice): Promise<ServerSettings> {
  const { path, version } = server;
  const devices = devicesFor(server, gpu);
  const [first] = devices ?? server.devices;
  return {
    path,
    version,
    devices,
    device: first === undefined ? 'CPU' : deviceKind(first),
    socket: await makeSocket(),
  };
}

function devicesFor(server: LlamaServer, gpu: GpuChoice): string[] | null {
  if (gpu === 'auto') return null;
  if (gpu === 'off') return [];
  const wanted = devicesOfKind(server, gpu);
  if (wanted.length > 0) return wanted;
  throw new EngineError('unusable', `The llama-server has no ${gpu} here.`, '--option gpu=auto');
}

/** The flags of a server that holds as many answers at once as there are sequences. */
export function serverArguments(
  settings: EngineSettings,
  { devices, device, socket }: ServerSettings,
  { contextTokens, port }: { contextTokens: number; port: number },
): string[] {
  const { sequences } = settings;
  const batchTokens = settings.batchTokens ?? usualBatchTokens;
  const attention = settings.flashAttention ?? (device === 'CPU' ? false : null);
  const flags = {
    model: settings.path,
    host: socket ?? '127.0.0.1',
    port: socket === null ? port : null,
    parallel: sequences,
    'ctx-size': sequences * contextTokens,
    threads: settings.threads,
    'batch-size': batchTokens,
    'ubatch-size': batchTokens,
    // Prompts that no slot holds any more are not kept beside the slots: that takes memory that nobody asked for.
    'cache-ram': 0,
    'flash-attn': attention === null ? null : isOn(attention),
    'gpu-layers': settings.gpuLayers,
    device: devices === null ? null : devices.join(',') || 'none',
    'log-verbosity': 2,
  };
  const given = Object.entries(flags).filter(([, value]) => value !== null);
  const switches = [
    '--offline',
    '--no-webui',
    '--no-context-shift',
    ...(settings.swaFull === false ? [] : ['--swa-full']),
  ];
  return [...given.flatMap(([name, value]) => [`--${name}`, String(value)]), ...switches];
}

const isOn = (value: boolean): string => (value ? 'on' : 'off');

/** Tokens evaluated at once, as in the library: a longer prompt can be given up, and tells how far it is, between. */
const usualBatchTokens = 512;
