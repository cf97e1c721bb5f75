import { findBackend } from '../../run/choose/choose-backend.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import type { RunRequest } from '../../run/run-request.ts';
import type { LoadRequirements } from './trial-backend.ts';
import type { TrialBase } from '../records/environment.ts';
import type { TrialSpec } from '../records/records.ts';

/** A trial as a run of its own: `input` to `output`, sent in the way of its strategy. */
export function trialRequest(
  spec: TrialSpec,
  base: TrialBase,
  files: { input: string; output: string },
  backends: readonly BackendDefinition[],
): RunRequest {
  const { strategy, backend, model } = spec;
  return {
    input: files.input,
    spool: null,
    paths: pathsOf(files.output),
    settings: {
      ...base.settings,
      backend,
      model,
      mode: strategy === 'conversation' ? 'conversation' : 'independent',
      options: { ...spec.options, ...unloadOptions(spec, backends) },
      // The sample has neither the lines nor the rows that the user left out.
      format: 'jsonl',
      limit: null,
      sample: null,
    },
    runner: { ...base.runner, workers: spec.workers, strict: false, order: 'completion' },
    allowDrift: false,
    retryFailed: 'none',
    overwrite: true,
  };
}

/** Options that make a server unload its model after each request; other engines are closed and opened again. */
const unloadOptions = (
  { strategy, backend }: TrialSpec,
  backends: readonly BackendDefinition[],
): BackendDefinition['unloadOptions'] =>
  strategy === 'baseline' ? findBackend(backends, backend).unloadOptions : undefined;

/** What the trials that share one loaded engine need of it. */
export function requirementsOf(specs: readonly TrialSpec[], backends: readonly BackendDefinition[]): LoadRequirements {
  const workers = specs.map((spec) => spec.workers);
  return {
    workers: workers.includes(null) ? null : Math.max(...workers.map(Number)),
    isColdStart: specs.some((spec) => spec.strategy === 'baseline' && unloadOptions(spec, backends) === undefined),
  };
}
