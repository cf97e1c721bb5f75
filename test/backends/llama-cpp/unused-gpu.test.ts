import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { type GpuBuilds, findGpuBuilds, unusedGpu } from '../../../src/backends/llama-cpp/unused-gpu.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';

const rtx = { name: 'RTX 4080', driver: '560.35', totalBytes: null, usedBytes: null, freeBytes: null };
const whole: GpuBuilds = { isCheckout: false, hasCuda: true, hasVulkan: true, renderDevice: null, version: '9.8.7' };
const radeon = '/dev/dri/renderD128';

/** What is said beside an NVIDIA GPU, or beside another one. */
const beside = (name: string | null, changes: Partial<GpuBuilds>): string[] | null => {
  const gpus = name === 'nvidia' ? [rtx] : [];
  const unused = unusedGpu({ gpus, failure: null }, { ...whole, ...changes });
  return unused === null
    ? null
    : [unused.text.replace(/^llama-cpp runs on the CPU and leaves the GPU alone /, ''), unused.fix];
};

test.each<[string, Partial<GpuBuilds>, string, RegExp]>([
  [
    'nvidia',
    {},
    '(RTX 4080): it does not find the CUDA Toolkit (12.4 or newer)',
    /cuda-downloads.*\nnpx .* inspect gpu$/,
  ],
  [
    'nvidia',
    { hasCuda: false },
    '(RTX 4080): its GPU builds are not installed',
    /\nnpm install .*node-llama-cpp@9\.8\.7$/,
  ],
  [
    'nvidia',
    { hasCuda: false, isCheckout: true },
    '(RTX 4080): this checkout of llmbatch has no GPU',
    /\nnpm .*npm pack/,
  ],
  ['nvidia', { hasCuda: null }, '(RTX 4080): node-llama-cpp has no CUDA build', /source download --gpu cuda$/],
  ['radeon', { renderDevice: radeon }, `(${radeon}): it does not find the Vulkan loader`, /libvulkan1/],
  ['radeon', { renderDevice: radeon, hasVulkan: false }, `(${radeon}): its GPU builds are not`, /include=optional/],
])('beside a GPU (%s) with %o it says what is missing, and the command', (name, changes, text, fix) => {
  expect(beside(name, changes)).toEqual([expect.stringContaining(text), expect.stringMatching(fix)]);
});

test('beside no GPU it says nothing', () => {
  expect(beside(null, { hasCuda: false, isCheckout: true })).toBeNull();
});

test.runIf(process.platform === 'linux' && process.arch === 'x64')(
  'the empty packages of a checkout are no builds, and those that can be loaded are',
  async () => {
    expect(findGpuBuilds('9.8.7')).toMatchObject({ isCheckout: true, hasCuda: false, hasVulkan: false });
    const folder = await scratchFolder();
    for (const name of ['node-llama-cpp', '@node-llama-cpp/linux-x64-cuda']) {
      const installed = join(folder, 'node_modules', name);
      await mkdir(installed, { recursive: true });
      await writeFile(join(installed, 'package.json'), '{"exports":"./index.js"}');
      await writeFile(join(installed, 'index.js'), '');
    }
    const importer = pathToFileURL(join(folder, 'dist', 'backends', 'llama-cpp', 'program.js')).href;
    expect(findGpuBuilds('9.8.7', importer)).toMatchObject({ isCheckout: false, hasCuda: true, hasVulkan: false });
  },
);
