import { chmod, writeFile } from 'node:fs/promises';
import { delimiter } from 'node:path';
import { onTestFinished } from 'vitest';
import type { MachineSample, TrialRecord, TrialResult } from '../../src/bench/records/records.ts';
import { watchClient } from '../../src/machine/own-use.ts';
import { timesOf } from '../../src/bench/analysis/windows.ts';
import { resultsOf } from '../../src/bench/trial/watch-trial.ts';
import { defaultRunnerSettings } from '../../src/core/settings.ts';
import { type PlantedCauses, plantedMock } from '../helpers/planted-mock.ts';
import { createRunFolder, mockSettings } from '../helpers/start-run.ts';
import { trialRecord } from './simulate-trial.ts';

export interface Planted {
  requests: number;
  workers: number;
  options: Record<string, number>;
  causes?: PlantedCauses;
  /** A shell script's lines that print one sample, `$i` being its number from 0; one comes each 100 ms. */
  nvidiaSmi?: string;
}

/** A real run on the mock engine, its record as a trial's. */
export async function plantedRun({
  requests,
  workers,
  options,
  causes = {},
  nvidiaSmi,
}: Planted): Promise<TrialRecord> {
  const lines = Array.from({ length: requests }, (_, number) => `{"id":"r${number}","prompt":"request ${number}"}\n`);
  const folder = await createRunFolder(lines.join(''));
  if (nvidiaSmi !== undefined) await installNvidiaSmi(folder.at('nvidia-smi'), nvidiaSmi);
  const results: TrialResult[] = [];
  const machine: MachineSample[] = [];
  const watching = new AbortController();
  watchClient((client, atMs) => machine.push({ atMs, client }), { signal: watching.signal, intervalMs: 100 });
  const { snapshot } = await folder.run(
    { settings: { ...mockSettings, options }, runner: { ...defaultRunnerSettings, workers } },
    {
      backends: [plantedMock(causes)],
      onEvent(event) {
        if (event.type === 'result-end') results.push(...resultsOf(event.sample));
        if (event.type === 'gpu-sample') machine.push({ atMs: Date.now(), gpus: event.gpus });
      },
    },
  );
  watching.abort();
  return trialRecord({
    results,
    machine,
    ...timesOf(results),
    spec: { size: requests, workers, options },
    slots: options['slots'] ?? null,
    succeeded: snapshot.progress.succeeded,
    summary: snapshot,
  });
}

/** The driver's tool, first in the path, which knows all fields. */
async function installNvidiaSmi(path: string, sample: string): Promise<void> {
  const folder = path.slice(0, path.lastIndexOf('/'));
  await writeFile(path, `#!/bin/sh\ni=0\nwhile :; do\n${sample}\ni=$((i + 1))\nsleep 0.3\ndone\n`);
  await chmod(path, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  onTestFinished(() => void (process.env['PATH'] = before));
}
