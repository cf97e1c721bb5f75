import { readFile, writeFile } from 'node:fs/promises';
import type { TrialSpec } from '../../src/bench/records/records.ts';
import { createRandom } from '../bench/random.ts';
import { fromWire, toWire } from '../../src/bench/records/trials-wire.ts';
import { simulateSamples } from '../bench/simulate-trial.ts';

/**
 * Puts the times of an engine that does `rateOf` requests a second in the place of those that a bench measured in its
 * `trials.jsonl`: what is concluded from them then is the same on a machine that has other things to do.
 */
export async function plantTimes(path: string, rateOf: (spec: TrialSpec) => number): Promise<void> {
  const records = (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .flatMap((line) => fromWire(JSON.parse(line) as Parameters<typeof fromWire>[0]));
  const planted = records.map((record) => {
    if (record.type !== 'trial') return record;
    const { number, workers, size: requests } = record.spec;
    const random = createRandom(number);
    const latencyMs = (1000 * (workers ?? 1)) / rateOf(record.spec);
    const answer = (): number => latencyMs * (0.9 + 0.2 * random());
    return { ...record, ...simulateSamples({ requests, workers: workers ?? 1, answer }) };
  });
  await writeFile(path, planted.map((record) => `${JSON.stringify(toWire(record))}\n`).join(''));
}
