import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EngineReport, ExaminedEngine, Machine, ReportRow } from '../../core/doctor/examination.ts';
import { type Finding, finding } from '../../core/doctor/finding.ts';
import { isRecord } from '../../data/is-record.ts';
import { formatBytes } from '../../text/format.ts';
import { installCommand } from './install-command.ts';
import { findModelFile, isGgufName } from './model-file.ts';
import { deviceName } from './options.ts';
import { type GgufFacts, readGguf } from './read-gguf.ts';
import { type ServerChoice, chooseServer } from './server/choose-server.ts';
import { ggufFilesIn } from './similar-file.ts';
import { type GpuBuilds, findGpuBuilds, unusedGpu } from './unused-gpu.ts';

/** What was found of the embedded engine's package. */
export interface ExaminedPackage {
  /** Null where it is not installed. */
  version: string;
  /** What it computes on: `CPU`, `CUDA`, `Vulkan`, `Metal`; null where it could not be asked. */
  device: string | null;
  /** Was it built with OpenMP, for its threads on a CPU? Null where it could not be asked. */
  hasOpenmp: boolean | null;
  /** What a run with `--option server=auto` would take. */
  auto: ServerChoice;
  builds: GpuBuilds;
  /** The model file that doctor was asked about; null where it was asked about none. */
  model: NamedFile | null;
}

interface NamedFile extends GgufFacts {
  name: string;
}

/**
 * Looks for the package of the embedded engine, and lets it choose the device that it would compute on. A model file that is
 * asked for is looked at, not loaded.
 */
export async function examineLlamaCpp(model: string | null): Promise<ExaminedEngine> {
  const version = await findPackageVersion();
  if (version === null) return examinedPackage(null);
  const [build, auto, files, file] = await Promise.all([
    findBuild(),
    chooseServer('auto', { gpu: 'auto' }),
    ggufFilesIn('.'),
    examineFile(model),
  ]);
  return examinedPackage({ version, ...build, auto, builds: findGpuBuilds(version), model: file }, files);
}

/** What the file of a model says; null for a model that is none, and for a file that is not there, which others tell. */
async function examineFile(name: string | null): Promise<NamedFile | null> {
  if (name === null || !isGgufName(name)) return null;
  const file = await findModelFile(name).catch(() => null);
  return file && { name, ...(await readGguf(await import('node-llama-cpp'), file.path)) };
}

/** Describes the embedded engine, and the GGUF files that are at hand for it; null where its package is not installed. */
export function examinedPackage(found: ExaminedPackage | null, files: readonly string[] = []): ExaminedEngine {
  return {
    isUsable: found !== null,
    serverUrl: null,
    models: files.map((name) => ({ name, flags: [] })),
    json: { embedded: found === null ? nothing : jsonOf(found) },
    report: (machine) => reportPackage(found, machine),
  };
}

const nothing = { version: null, device: null, hasOpenmp: null, form: null, server: null, model: null };

const jsonOf = ({ version, device, hasOpenmp, auto, model }: ExaminedPackage) => ({
  version,
  device,
  hasOpenmp,
  form: usualForm,
  server: auto.server && { path: auto.server.path, version: auto.server.version },
  model,
});

/** What a run takes where nothing is said: the default of `--option server=`. */
const usualForm = 'library';

function reportPackage(found: ExaminedPackage | null, machine: Machine): EngineReport {
  if (found === null) return { rows: [['llama-cpp', `not installed: ${installCommand}`]], findings: [], howToSet: [] };
  const { version, device, auto, model } = found;
  const rows: ReportRow[] = [
    ['llama-cpp', `node-llama-cpp ${version}, computes on ${device ?? 'n/a'}`],
    ['', formText(auto)],
  ];
  if (model !== null) rows.push(['', describeFile(model)]);
  return { rows, findings: findingsOf(found, machine), howToSet: [] };
}

function findingsOf({ device, hasOpenmp, builds, model }: ExaminedPackage, { gpu, platform }: Machine): Finding[] {
  const findings: Finding[] = [];
  const problem = model?.problem ?? null;
  if (problem !== null) findings.push(finding('error', 'llama-cpp-broken-model', problem.text, problem.fix));
  if (device !== 'CPU') return findings;
  const unused = unusedGpu(gpu, builds);
  if (unused !== null) findings.push(finding('warning', 'llama-cpp-unused-gpu', unused.text, unused.fix));
  // The compilers of other systems build it without too.
  else if (hasOpenmp === false && platform === 'linux')
    findings.push(finding('hint', 'llama-cpp-no-openmp', ...openmpTexts));
  return findings;
}

function formText({ server, why }: ServerChoice): string {
  const auto = server === null ? `takes it too: ${why}` : `would take ${server.path}, version ${server.version}`;
  return `a run takes this library (server=off); --option server=auto ${auto}`;
}

const openmpTexts = [
  'the library of llama-cpp was built without OpenMP, with which CPU threads wait less for each other',
  `build it with OpenMP (git, CMake, make and a C++ compiler, some minutes); what a run gains was not measured: on two cores, llama-bench with OpenMP made 92 tokens/s (1 thread) and 155 (2), this library 68 and 47
npx --no node-llama-cpp source download --gpu false`,
] as const;

const kindTexts = {
  chat: 'has a chat template',
  text: 'no chat template: chats need --chat-template',
  embeddings: 'makes embeddings',
};

const describeFile = ({ name, bytes, kind }: NamedFile): string =>
  `${name}: ${formatBytes(bytes)}, ${kind === null ? 'broken' : kindTexts[kind]}`;

/** Longest time that the engine may take to choose its device, in milliseconds: a GPU's driver may be slow to wake. */
const maxDeviceMs = 60_000;

/** Asks the engine in a process of its own: a driver that is broken may end it. */
async function findBuild(importer: string = import.meta.url): Promise<Pick<ExaminedPackage, 'device' | 'hasOpenmp'>> {
  const { execa } = await import('execa');
  const engine = pathToFileURL(createRequire(importer).resolve('node-llama-cpp')).href;
  const program = `import(${JSON.stringify(engine)})
    .then(({ getLlama }) => getLlama({ build: 'never', progressLogs: false, logLevel: 'disabled' }))
    .then(({ gpu, systemInfo }) => JSON.stringify({ gpu, hasOpenmp: systemInfo.includes('OPENMP = 1') }))
    .then((text) => process.stdout.write(text, () => process.exit()));`;
  // By its input, not by -e: the engine starts a process with the flags of this one, to try a build.
  const options = { input: program, timeout: maxDeviceMs, reject: false };
  const { failed, stdout } = await execa(process.execPath, ['-'], options);
  if (failed) return { device: null, hasOpenmp: null };
  const { gpu, hasOpenmp } = JSON.parse(stdout) as { gpu: string | false; hasOpenmp: boolean };
  return { device: deviceName(gpu), hasOpenmp };
}

/** Version of the node-llama-cpp that a file would import; null where none is installed. */
export async function findPackageVersion(importer: string = import.meta.url): Promise<string | null> {
  try {
    // The package exports no package.json: it lies beside the folder of what it exports.
    const main = createRequire(importer).resolve('node-llama-cpp');
    const about: unknown = JSON.parse(await readFile(join(dirname(main), '..', 'package.json'), 'utf8'));
    return isRecord(about) && typeof about['version'] === 'string' ? about['version'] : null;
  } catch {
    return null;
  }
}

/** The package and its binaries for this platform; nothing where it is not installed. */
export async function installPaths(importer: string = import.meta.url): Promise<string[]> {
  try {
    const main = createRequire(importer).resolve('node-llama-cpp');
    const modules = main.slice(0, main.lastIndexOf('node-llama-cpp'));
    return [join(modules, 'node-llama-cpp'), join(modules, '@node-llama-cpp')];
  } catch {
    return [];
  }
}
