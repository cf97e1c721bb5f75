import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { GpuSearch } from '../../core/doctor/examination.ts';
import { amdDriver } from '../../machine/amd-gpus.ts';

/** A GPU that the engine leaves alone: why, as a sentence without its full stop, and what to do. */
export interface UnusedGpu {
  text: string;
  /** Lines after the first are commands. */
  fix: string;
}

/** What there is for the engine on a GPU: builds that are installed beside a program, and a driver. */
export interface GpuBuilds {
  /** The program runs from its repository, whose own installation has empty packages in their place. */
  isCheckout: boolean;
  /** The build for NVIDIA's GPUs; null: there is none for this kind of machine. */
  hasCuda: boolean | null;
  hasVulkan: boolean;
  /** The device of a GPU of any maker, as Linux shows it; null where there is none. */
  renderDevice: string | null;
  /** Version of the engine's package, for the command that installs it. */
  version: string;
}

/** Looks for the GPU builds that the engine of a file would load. */
export function findGpuBuilds(version: string, importer: string = import.meta.url): GpuBuilds {
  const machine = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const isThere = (name: string): boolean => {
    try {
      const engine = createRequire(importer).resolve('node-llama-cpp');
      return createRequire(engine).resolve(`@node-llama-cpp/${machine}-${name}`) !== '';
    } catch {
      return false;
    }
  };
  return {
    isCheckout: existsSync(fileURLToPath(new URL('../../../stubs/empty/package.json', importer))),
    hasCuda: ['linux-x64', 'win-x64'].includes(machine) ? isThere('cuda') : null,
    hasVulkan: isThere('vulkan'),
    renderDevice: findRenderDevice('/dev/dri'),
    version,
  };
}

/** Says what an engine that runs on the CPU lacks for a GPU of this machine; null where no GPU is seen. */
export function unusedGpu({ gpus }: GpuSearch, builds: GpuBuilds): UnusedGpu | null {
  const name = gpus[0]?.name ?? builds.renderDevice;
  if (name === null) return null;
  const left = `llama-cpp runs on the CPU and leaves the GPU alone (${name})`;
  const isNvidia = gpus.some(({ driver }) => driver !== amdDriver);
  if (isNvidia && builds.hasCuda === null)
    return { text: `${left}: node-llama-cpp has no CUDA build for this kind of machine`, fix: buildIt };
  if (isNvidia ? !builds.hasCuda : !builds.hasVulkan)
    return { text: `${left}: ${missing(builds)}`, fix: install(builds) };
  const lacks = isNvidia ? 'the CUDA Toolkit (12.4 or newer), or the Vulkan loader' : 'the Vulkan loader';
  return { text: `${left}: it does not find ${lacks}, beside the driver`, fix: isNvidia ? toolkit : loader };
}

/** A GPU of any maker that Linux has a driver for. */
function findRenderDevice(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const name = readdirSync(folder).find((entry) => entry.startsWith('renderD'));
  return name === undefined ? null : `${folder}/${name}`;
}

const inspect = 'npx --no node-llama-cpp inspect gpu';
const toolkit = `install the CUDA Toolkit (https://developer.nvidia.com/cuda-downloads), then look\n${inspect}`;
const loader = `install the Vulkan loader (on Debian and Ubuntu the package libvulkan1), then look\n${inspect}`;
const buildIt = 'build it, with the CUDA Toolkit\nnpx --no node-llama-cpp source download --gpu cuda';

const missing = ({ isCheckout }: GpuBuilds): string =>
  isCheckout ? 'this checkout of llmbatch has no GPU builds' : 'its GPU builds are not installed';

/** The overrides of a checkout's package.json hold there alone: its package, installed elsewhere, brings the builds. */
const install = ({ isCheckout, version }: GpuBuilds): string =>
  isCheckout
    ? `install it in a folder of its own (0.8 GB), and run node_modules/.bin/llmbatch there\nnpm install --prefix ../llmbatch-gpu "$(npm pack --silent)" node-llama-cpp@${version}`
    : `install them (0.7 GB)\nnpm install --include=optional node-llama-cpp@${version}`;
