import { randomBytes } from 'node:crypto';
import { basename, resolve } from 'node:path';
import { JournalError } from '../core/errors.ts';
import type { PrefixedFingerprint } from '../core/fingerprint.ts';
import { quoteForShell } from '../core/format.ts';
import { compareInput, findDrift } from '../journal/find-drift.ts';
import { type Manifest, readManifest } from '../journal/manifest.ts';
import { version } from '../core/version.ts';
import { hasNoResults } from './run-files.ts';
import type { RunRequest } from './run-request.ts';

/** The manifest that a run goes on with: the one that is there, or a new one. */
export async function openManifest(request: RunRequest): Promise<{ manifest: Manifest; isNew: boolean }> {
  const { places } = request;
  const known = await readManifest(places.manifest);
  const isEmpty = await hasNoResults(places);
  if (known === null && !isEmpty) {
    throw new JournalError(
      `${places.output} is there already, and no run of llmbatch wrote it`,
      'Choose another place with -o, or replace it with --overwrite.',
    );
  }
  // A run that was never answered anything binds nobody to its settings.
  if (known === null || isEmpty) return { manifest: newManifest(request), isNew: true };
  const isOfThisOutput = basename(known.output) === basename(places.output);
  if (known.input.path !== inputPath(request) || !isOfThisOutput) {
    throw new JournalError(
      `${places.manifest} belongs to another run: of ${known.input.path} to ${known.output}`,
      'Choose another place with -o, or start anew with --overwrite.',
    );
  }
  return { manifest: { ...known, sessions: known.sessions + 1, state: 'running', reason: null }, isNew: false };
}

/** What changed since the run began, field by field: refused, or with `--allow-drift` recorded. */
export function settleDrift(
  manifest: Manifest,
  drift: string[],
  request: Pick<RunRequest, 'allowDrift' | 'places'>,
): void {
  if (drift.length === 0) return;
  if (!request.allowDrift) {
    throw new JournalError(
      `this run was started with something else: ${drift.join('; ')}`,
      `Put back what changed and go on with: llmbatch resume ${quoteForShell(request.places.output)}. ` +
        'Or mix both with --allow-drift, start anew with --overwrite, or choose another place with -o.',
    );
  }
  manifest.drift.push(...drift.filter((field) => !manifest.drift.includes(field)));
}

export const settingsDrift = (manifest: Manifest, { settings }: Pick<RunRequest, 'settings'>): string[] =>
  findDrift(manifest.settings, settings);

export function inputDrift(
  manifest: Manifest,
  now: PrefixedFingerprint | null,
): { drift: string[]; hasGrown: boolean } {
  if (now === null || manifest.input.sha256 === '') return { drift: [], hasGrown: false };
  const change = compareInput(manifest.input, now);
  // A sample is drawn from all lines: of more lines it is another one.
  const isOther = change === 'changed' || (change === 'grown' && manifest.settings.sample !== null);
  const drift = isOther ? [`input: ${manifest.input.sha256.slice(0, 12)} → ${now.sha256.slice(0, 12)}`] : [];
  return { drift, hasGrown: change === 'grown' && manifest.settings.limit === null };
}

function newManifest(request: RunRequest): Manifest {
  const now = new Date().toISOString();
  return {
    schema_version: 1,
    llmbatch: version,
    run_id: randomBytes(4).toString('hex'),
    state: 'running',
    reason: null,
    cwd: process.cwd(),
    output: request.places.output,
    input: {
      path: inputPath(request),
      spool: request.input === '-' ? request.places.spool : null,
      bytes: 0,
      sha256: '',
      complete: false,
      requests: 0,
      rejected: 0,
    },
    settings: request.settings,
    runner: request.runner,
    models: [],
    mode: null,
    drift: [],
    sessions: 1,
    created_at: now,
    updated_at: now,
    finished_at: null,
    earlier_seconds: 0,
    summary: null,
  };
}

const inputPath = ({ input }: RunRequest): string => (input === '-' ? '-' : resolve(input));
