import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { exists } from '../../files/exists.ts';
import { JournalError } from '../../core/errors.ts';
import type { PrefixedFingerprint } from '../../files/fingerprint.ts';
import { formatInteger } from '../../text/format.ts';
import { compareInput } from '../../journal/manifest/find-drift.ts';
import { type FoundRun, findManifest } from '../../journal/manifest/find-manifest.ts';
import { type Manifest, readManifest, sessionSeconds, writeManifest } from '../../journal/manifest/manifest.ts';
import { realPathOf } from '../../files/real-path.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { version } from '../../files/version.ts';
import { holdsOnlyResults } from './adopt-output.ts';
import { hasNoResults } from './run-files.ts';
import type { RunRequest } from '../run-request.ts';

export interface OpenedManifest {
  manifest: Manifest;
  isNew: boolean;
  /** The manifest is lost: the results that are there stand, if they are of the input. */
  isAdopted: boolean;
  /** The run had come to its end, with every result where the order that is asked for has it. */
  wasFinished: boolean;
  /** Path of a manifest under an earlier name, which goes when the new one is written; null where there is none. */
  earlierPath: string | null;
  /** Sentences for the user about how the run was found. */
  notes: string[];
  /** `--overwrite`: what is there stays until the engine is open. */
  replaces: Replaced | null;
}

export interface Replaced {
  /** Manifest of that run; null for a file that no run wrote. */
  found: FoundRun | null;
  hasResults: boolean;
}

/** The manifest that a run goes on with: the one that is there, or a new one. */
export async function openManifest(request: RunRequest): Promise<OpenedManifest> {
  const { paths } = request;
  const found = await findManifest(paths);
  if (found === null) await refuseOthersManifest(paths);
  else if (request.isResume === true) await checkThere(paths, found.manifest);
  const hasResults = !(await hasNoResults(paths));
  const earlierPath = found === null || found.manifestPath === paths.manifest ? null : found.manifestPath;
  // A run without any result does not bind the user to its settings.
  if (!hasResults || request.overwrite) return { ...startAnew(request, { found, hasResults }), earlierPath };
  if (found !== null) return { ...(await goOn(found.manifest, request)), ...asBefore, earlierPath };
  if (request.input === '-' || !(await holdsOnlyResults(paths.output))) throw notOurs(paths);
  return { ...startAnew(request, { found, hasResults }), earlierPath, isAdopted: true };
}

const asBefore = { isNew: false, isAdopted: false, replaces: null };

function startAnew(request: RunRequest, there: Replaced): Omit<OpenedManifest, 'earlierPath'> {
  const manifest = { ...newManifest(request), keptAside: there.found?.manifest.keptAside ?? [] };
  const isReplaced = request.overwrite && (there.found !== null || there.hasResults);
  return {
    manifest,
    isNew: true,
    isAdopted: false,
    wasFinished: false,
    notes: [],
    replaces: isReplaced ? there : null,
  };
}

const notOurs = ({ output }: RunPaths): JournalError =>
  new JournalError(
    `${output} already exists, and no run of llmbatch wrote it`,
    'Choose another place with -o, or replace it with --overwrite.',
  );

/** Refuses a run whose results are gone: going on with it would send everything again. */
async function checkThere({ output }: RunPaths, { summary }: Manifest): Promise<void> {
  const done = summary?.progress.done ?? 0;
  if (done === 0 || (await exists(output))) return;
  throw new JournalError(
    `${output} is gone, and with it the results of this run (${formatInteger(done)})`,
    'Put it back, or use its new path. To send every request again, start a new run with: llmbatch run',
  );
}

/** Under its name lies what llmbatch 0.1 kept of an output with a longer name. */
async function refuseOthersManifest({ manifest, output }: RunPaths): Promise<void> {
  const other = await readManifest(manifest);
  if (other === null) return;
  throw new JournalError(
    `${manifest} belongs to another run: of ${other.input.path} to ${output}.jsonl`,
    'Choose another place with -o.',
  );
}

/** The paths are where they are found now: a run goes on there, and what its manifest says of them is a remark. */
async function goOn(
  known: Manifest,
  request: RunRequest,
): Promise<Pick<OpenedManifest, 'manifest' | 'notes' | 'wasFinished'>> {
  const { output, manifest: path } = request.paths;
  const input = inputPath(request);
  const isMoved = realPathOf(known.output) !== output;
  const isOtherInput = realPathOf(known.input.path) !== realPathOf(input);
  // The fingerprint tells whether it is the same input, moved with the run.
  const mayBeMoved = known.input.sha256 !== '' && input !== '-' && (isMoved || !(await exists(known.input.path)));
  if (isOtherInput && !mayBeMoved) {
    throw new JournalError(
      `${path} belongs to another run: of ${known.input.path} to ${known.output}`,
      'Choose another path with -o, or start again with --overwrite.',
    );
  }
  const notes = [
    ...(isOtherInput ? [`the input of this run, ${known.input.path}, is now looked for at ${input}`] : []),
    ...known.leftOut.map(secretLeftOut),
  ];
  const here = { output, cwd: isMoved ? process.cwd() : known.cwd, input: { ...known.input, path: input } };
  const wasFinished = known.state === 'finished' && known.runner.order === request.runner.order;
  const manifest: Manifest = {
    ...known,
    ...here,
    ...sessionSeconds(known),
    sessions: known.sessions + 1,
    state: 'running',
    paused: null,
    reason: null,
  };
  return { manifest, notes, wasFinished };
}

const secretLeftOut = (option: string): string =>
  `the option ${option} of this run contains a secret: it is not used, and it was removed from the manifest. Set the engine's own variable instead (HF_TOKEN)`;

export function inputDrift(
  manifest: Manifest,
  now: PrefixedFingerprint | null,
): { drift: string[]; hasGrown: boolean } {
  if (now === null || manifest.input.sha256 === '') return { drift: [], hasGrown: false };
  const change = compareInput(manifest.input, now);
  // A sample is drawn from all lines: of more lines it is another one.
  const isOther = change === 'changed' || (change === 'grown' && manifest.settings.sample !== null);
  const drift = isOther
    ? [`input: its content changed (SHA-256 ${manifest.input.sha256.slice(0, 12)} → ${now.sha256.slice(0, 12)})`]
    : [];
  return { drift, hasGrown: change === 'grown' && manifest.settings.limit === null };
}

function newManifest(request: RunRequest): Manifest {
  const now = new Date().toISOString();
  return {
    llmbatch: version,
    runId: randomBytes(4).toString('hex'),
    state: 'running',
    paused: null,
    reason: null,
    cwd: process.cwd(),
    output: request.paths.output,
    input: {
      path: inputPath(request),
      spool: request.input === '-' ? request.paths.spool : null,
      bytes: 0,
      sha256: '',
      complete: false,
      requests: 0,
      rejected: 0,
    },
    settings: request.settings,
    runner: request.runner,
    shard: request.shard ?? null,
    failedOf: request.failedOf ?? null,
    engineForm: null,
    models: [],
    mode: null,
    keptAside: [],
    leftOut: [],
    seal: null,
    drift: [],
    sessions: 1,
    createdAt: now,
    updatedAt: now,
    finishedAt: null,
    earlierSeconds: 0,
    pausedSeconds: 0,
    summary: null,
  };
}

const inputPath = ({ input }: RunRequest): string => (input === '-' ? '-' : resolve(input));

/** Often enough for `status`, seldom enough to cost nothing. */
const intervalMs = 3000;

/** Keeps the manifest on disk near the state of the run. */
export interface ManifestKeeper {
  write: () => Promise<void>;
  /** Writes the last state, as well as it goes: the failure that ends a run is the one to be told. */
  stop: () => Promise<void>;
}

export function keepManifest(options: {
  path: string;
  sealKey: Buffer | null;
  /** The manifest as of now. */
  current: () => Manifest;
  /** Throws when the output is not ours any more. */
  check: () => Promise<void>;
  onFailure: (error: JournalError) => void;
}): ManifestKeeper {
  // One write after the other: each replaces the whole file.
  let last: Promise<void> = Promise.resolve();
  const write = (): Promise<void> => {
    last = last.catch(() => undefined).then(() => writeManifest(options.path, options.current(), options.sealKey));
    return last;
  };
  const timer = setInterval(() => {
    options.check().then(write).catch(options.onFailure);
  }, intervalMs);
  timer.unref();
  return {
    write,
    async stop() {
      clearInterval(timer);
      await write().catch(() => undefined);
    },
  };
}
