import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gpu } from '../core/doctor/examination.ts';
import type { GpuSample } from '../core/measurements.ts';

/** The folder where Linux shows graphics cards. */
export const cardsFolder = '/sys/class/drm';

/** The kernel's driver of AMD's GPUs, which is part of Linux: ROCm is not needed for what is read here. */
export const amdDriver = 'amdgpu';

/** AMD's number among the makers of PCI devices. */
const amdVendor = '0x1002';
/**
 * A card with less memory of its own, in bytes, is one inside the CPU: its models lie in the memory of the machine, and what
 * little it has is full of the screen.
 */
const minBytes = 2 * 1024 ** 3;

/** A card: what it is, and a sample of it. */
export interface AmdGpu extends Gpu, GpuSample {
  totalBytes: number;
  usedBytes: number | null;
}

/** Reads AMD's GPUs from the files of the kernel's driver; null for what it does not show. None on other systems. */
export async function readAmdGpus(folder = cardsFolder): Promise<AmdGpu[]> {
  const names = await readdir(folder).catch(() => []);
  const numbers = names.flatMap((name) => /^card(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  const cards = await Promise.all(
    numbers.toSorted((left, right) => left - right).map((number) => readCard(join(folder, `card${number}`, 'device'))),
  );
  return cards.filter((card) => card !== null);
}

async function readCard(device: string): Promise<AmdGpu | null> {
  if ((await readText(join(device, 'vendor'))) !== amdVendor) return null;
  const totalBytes = await readNumber(join(device, 'mem_info_vram_total'));
  if (totalBytes === null || totalBytes < minBytes) return null;
  const usedBytes = await readNumber(join(device, 'mem_info_vram_used'));
  const sensors = await sensorsOf(device);
  const milliCelsius = await readNumber(join(sensors, 'temp1_input'));
  const microWatts =
    (await readNumber(join(sensors, 'power1_average'))) ?? (await readNumber(join(sensors, 'power1_input')));
  return {
    name: await nameOf(device),
    driver: amdDriver,
    totalBytes,
    usedBytes,
    freeBytes: usedBytes === null ? null : totalBytes - usedBytes,
    utilisation: await readNumber(join(device, 'gpu_busy_percent')),
    temperature: milliCelsius === null ? null : milliCelsius / 1000,
    powerWatts: microWatts === null ? null : microWatts / 1e6,
  };
}

/** Few cards know their own name; the others have the number of their kind. */
async function nameOf(device: string): Promise<string> {
  const name = await readText(join(device, 'product_name'));
  return name || `AMD GPU ${(await readText(join(device, 'device'))) ?? ''}`.trim();
}

/** The folder of the card's sensors, whose number changes from boot to boot. */
async function sensorsOf(device: string): Promise<string> {
  const folder = join(device, 'hwmon');
  const [name = ''] = await readdir(folder).catch(() => []);
  return join(folder, name);
}

const readText = async (path: string): Promise<string | null> =>
  readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => null,
  );

async function readNumber(path: string): Promise<number | null> {
  const text = await readText(path);
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}
