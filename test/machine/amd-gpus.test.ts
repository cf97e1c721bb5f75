import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { readAmdGpus } from '../../src/machine/amd-gpus.ts';
import { findGpus } from '../../src/machine/find-gpus.ts';
import { watchGpus } from '../../src/machine/gpu.ts';
import { waitFor } from '../helpers/wait.ts';

const gibibyte = 1024 ** 3;

/** What the kernel shows of a Radeon RX 7900 XTX that works, a line a file. */
const card = {
  vendor: '0x1002',
  device: '0x744c',
  mem_info_vram_total: '25753026560',
  mem_info_vram_used: '4395892736',
  gpu_busy_percent: '97',
  'hwmon/hwmon3/temp1_input': '61000',
  'hwmon/hwmon3/power1_average': '212400000',
};

const sample = {
  usedBytes: 4_395_892_736,
  totalBytes: 25_753_026_560,
  utilisation: 97,
  temperature: 61,
  powerWatts: 212.4,
};

/** A folder like /sys/class/drm, with files of these cards. */
async function cardsOf(cards: Record<string, Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'llmbatch-drm-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, files] of Object.entries(cards)) {
    for (const [file, text] of Object.entries(files)) {
      const path = join(folder, name, 'device', file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, `${text}\n`);
    }
  }
  return folder;
}

test('a card is read as the driver shows it', async () => {
  const folder = await cardsOf({ card1: card });
  expect(await readAmdGpus(folder)).toEqual([
    { ...sample, name: 'AMD GPU 0x744c', driver: 'amdgpu', freeBytes: 25_753_026_560 - 4_395_892_736 },
  ]);
});

test('cards come in the order of their numbers; what one does not show is null', async () => {
  const newer = { vendor: '0x1002', mem_info_vram_total: `${16 * gibibyte}`, product_name: 'Radeon PRO W7800' };
  const folder = await cardsOf({
    card10: { ...newer, 'hwmon/hwmon9/power1_input': '30000000', gpu_busy_percent: 'unknown' },
    card2: { ...card, product_name: '' },
    'card2-DP-1': card,
    renderD128: card,
  });
  const nothing = { usedBytes: null, freeBytes: null, utilisation: null, temperature: null };
  expect(await readAmdGpus(folder)).toEqual([
    expect.objectContaining({ name: 'AMD GPU 0x744c', ...sample }),
    { name: 'Radeon PRO W7800', driver: 'amdgpu', totalBytes: 16 * gibibyte, ...nothing, powerWatts: 30 },
  ]);
});

test("a card of another maker, and one inside the CPU, are none of AMD's that a model lies on", async () => {
  const folder = await cardsOf({
    card0: { ...card, vendor: '0x10de' },
    card1: { ...card, mem_info_vram_total: `${gibibyte / 2}` },
    card2: { vendor: '0x1002' },
  });
  expect(await readAmdGpus(folder)).toEqual([]);
  expect(await readAmdGpus(join(folder, 'absent'))).toEqual([]);
});

test('where nvidia-smi is not there, the cards of AMD are found', async () => {
  const folder = await cardsOf({ card1: card });
  const { gpus, failure } = await findGpus({ PATH: folder }, folder);
  expect([gpus.map(({ name, freeBytes }) => [name, freeBytes]), failure]).toEqual([
    [['AMD GPU 0x744c', 21_357_133_824]],
    null,
  ]);
  expect(Object.keys(gpus[0] ?? {})).toEqual(['name', 'driver', 'totalBytes', 'usedBytes', 'freeBytes']);
});

test('they are sampled again and again, until nobody listens', async () => {
  const folder = await cardsOf({ card1: card });
  vi.stubEnv('PATH', folder);
  const events: RunEvent[] = [];
  const stopping = new AbortController();
  onTestFinished(() => {
    stopping.abort();
    vi.unstubAllEnvs();
  });
  watchGpus((event) => events.push(event), { signal: stopping.signal, amdFolder: folder });
  await waitFor(() => expect(events.length).toBeGreaterThan(0));
  await writeFile(join(folder, 'card1/device/gpu_busy_percent'), '3\n');
  await waitFor(() => expect(events.length).toBeGreaterThan(1));
  expect(events.slice(0, 2)).toEqual([
    { type: 'gpu-sample', gpus: [sample] },
    { type: 'gpu-sample', gpus: [{ ...sample, utilisation: 3 }] },
  ]);
});
