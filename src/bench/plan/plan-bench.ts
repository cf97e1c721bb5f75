import { dirname } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { chooseBackend, findBackend } from '../../run/choose/choose-backend.ts';
import { namesOfSeveral } from '../../run/choose/server-names.ts';
import type { RunHost } from '../../run/run-request.ts';
import { type BenchPaths, inputOf, warmUpInput } from '../records/bench-paths.ts';
import type { BenchRequest } from './bench-request.ts';
import { type Engine, maxBaselineRequests, pointsOf } from './matrix.ts';
import { orderTrials } from './order.ts';
import type { PlanRecord } from '../records/records.ts';
import { maxWarmUp } from '../trial/run-trial.ts';
import { type RequestSource, bundledCandidates, openSource } from './sample-input.ts';

/**
 * Makes the plan, and writes the requests of its trials into the folder of the bench: it needs the user's file no more.
 */
export async function planBench(request: BenchRequest, paths: BenchPaths, host: RunHost): Promise<PlanRecord> {
  await makeFolder(dirname(warmUpInput(paths)));
  const path = request.input ?? bundledCandidates;
  const { given, base } = request;
  const source = await openSource(path, base.settings, { folder: dirname(warmUpInput(paths)), ...host, given });
  try {
    const engines = await enginesOf(request, source, host);
    tellServers(engines, base, host);
    await source.write(warmUpInput(paths), maxWarmUp, { offset: warmUpOffset });
    // Requests that come again are cheap where few are in flight, and would speak for few workers.
    const sizes = request.sizes ?? [Math.min(usualSize, source.requests)];
    const points = pointsOf({ ...request, engines, sizes }).filter(
      ({ backend, strategy }) => strategy !== 'baseline' || canUnload(host, backend),
    );
    if (request.strategies.includes('baseline')) host.notify({ topic: 'bench', text: baselineText(engines, host) });
    if (points.length === 0) throw new UsageError('nothing to measure: no combination of these settings can be tried');
    const trials = orderTrials(points, request);
    const order = request.budgetSeconds === null ? 'input' : 'spread';
    for (const size of new Set(trials.map((spec) => spec.size)))
      await source.write(inputOf(paths, size), size, { order });
    return {
      type: 'plan',
      createdAt: new Date().toISOString(),
      input: {
        path: request.input,
        sha256: source.sha256,
        requests: source.requests,
      },
      seed: request.seed,
      trials,
      budgetSeconds: request.budgetSeconds,
    };
  } finally {
    await source.close();
  }
}

/**
 * Number of requests of a trial where none is given: enough for a steady rate of an engine that needs seconds for them.
 */
const usualSize = 2000;

async function enginesOf({ engines, base }: BenchRequest, source: RequestSource, host: RunHost): Promise<Engine[]> {
  const [model = ''] = source.models;
  if (base.settings.model === null && source.models.length > 1 && engines.some((engine) => engine.model === null)) {
    host.notify({
      topic: 'bench',
      text: `the input names ${source.models.length} models: ${model} is measured (-m selects another)`,
    });
  }
  const places = { connections: base.runner.connections, environment: host.environment };
  if (engines.length > 0)
    return engines.map((engine) => ({
      backend: findBackend(host.backends, engine.backend).name,
      model: engine.model ?? model,
    }));
  const { definition } = await chooseBackend(host.backends, base.settings.backend, [model], places);
  return [{ backend: definition.name, model }];
}

function tellServers(engines: readonly Engine[], { runner }: BenchRequest['base'], host: RunHost): void {
  for (const { backend } of engines) {
    const names = namesOfSeveral(findBackend(host.backends, backend), runner.connections);
    if (names.length === 0) continue;
    const text = `${names.length} servers share the requests of each trial (${names.join(', ')}); --workers is the number for each server`;
    host.notify({ topic: 'bench', text });
  }
}

const canUnload = ({ backends }: RunHost, name: string): boolean => findBackend(backends, name).canUnload !== false;

function baselineText(engines: readonly Engine[], host: RunHost): string {
  const text = `baseline: at most ${maxBaselineRequests} requests per trial, because each request loads the model`;
  const without = new Set(engines.map(({ backend }) => backend).filter((name) => !canUnload(host, name)));
  return without.size === 0
    ? text
    : `${text}; no baseline for ${[...without].join(', ')}, because it can't unload the model`;
}

/** Between the lines of a trial, so that the warm-up does not answer what the trial asks. */
const warmUpOffset = 0.5;
