import type { ModelMemory } from '../../src/core/measurements.ts';
import { expect, test } from 'vitest';
import type { MachineState, Snapshot } from '../../src/core/snapshot.ts';
import { engineRows } from '../../src/report/shared-rows.ts';
import { renderSummary } from '../../src/report/summary.ts';
import { changeSnapshot } from '../helpers/change-snapshot.ts';
import { sampleSnapshot } from './sample-run.ts';

const textOf = (label: string, snapshot: Snapshot): string | undefined =>
  engineRows(snapshot).find(([name]) => name === label)?.[1];

const rowOf = (label: string, machine: Partial<MachineState>): string | undefined =>
  textOf(label, changeSnapshot(sampleSnapshot(), { machine }));

const withWorkers = (current: number, max = 8): Snapshot =>
  changeSnapshot(sampleSnapshot(), { progress: { workers: { current, atStart: 8, max } } });

const gibibyte = 1024 ** 3;
const memory = (change: Partial<ModelMemory>): { modelMemory: ModelMemory } => ({
  modelMemory: { weightsBytes: 3 * gibibyte, loadedBytes: 4 * gibibyte, vramBytes: 4 * gibibyte, ...change },
});

test('the memory of the model is told in its parts, and where it lies', () => {
  const parts = '4.0 GiB: weights 3.0 GiB, KV cache and buffers 1.0 GiB';
  const told = (change: Partial<ModelMemory>) => rowOf('model memory', memory(change));
  expect(told({})).toBe(`${parts}; all on the GPU`);
  expect(told({ vramBytes: 0.37 * 4 * gibibyte })).toBe(`${parts}; 37% on the GPU, the rest on the CPU`);
  expect(told({ vramBytes: 3.99999 * gibibyte })).toBe(`${parts}; 99% on the GPU, the rest on the CPU`);
  expect(told({ vramBytes: 0 })).toBe(`${parts}; on the CPU`);
  expect(told({ weightsBytes: null })).toBe('4.0 GiB; all on the GPU');
  expect(rowOf('model memory', { modelMemory: null })).toBeUndefined();
});

test('what full GPU memory forced is told only where it forced something', () => {
  const told = (trims: number, lowered: number, pauses: number) =>
    rowOf('VRAM guard', { vramGuard: { trims, lowered, pauses } });
  expect(told(3, 2, 1)).toBe('histories trimmed 3 times, workers halved 2 times, paused once');
  expect(told(0, 1, 0)).toBe('workers halved once');
  expect(told(0, 0, 0)).toBeUndefined();
  expect(rowOf('VRAM guard', { vramGuard: null })).toBeUndefined();
});

test('workers beyond those of the start are told with their limit', () => {
  expect(textOf('in flight', withWorkers(12, 256))).toBe('12 of at most 256');
  expect(renderSummary(withWorkers(8, 256), { outputPath: 'x' })).toMatch(/ {2}in flight +8 of at most 256\n/);
});

test('workers that were given up are told beside those at the start', () => {
  expect(textOf('workers', withWorkers(2))).toBe('2 of 8');
  expect(textOf('workers', sampleSnapshot())).toBe('8');
});

test('the summary tells the same', () => {
  const machine = { ...memory({}), vramGuard: { trims: 0, lowered: 2, pauses: 0 } };
  const text = renderSummary(changeSnapshot(withWorkers(2), { machine }), { outputPath: 'out.jsonl' });
  expect(text).toMatch(/ {2}model memory +4\.0 GiB: weights 3\.0 GiB, .*all on the GPU\n/);
  expect(text).toMatch(/ {2}VRAM guard +workers halved 2 times\n {2}workers +2 of 8\n/);
});

test('a sum that the engine does not count is no lower limit', () => {
  const told = (prompt: number | null): string =>
    renderSummary(changeSnapshot(sampleSnapshot(), { tokens: { prompt, completion: 46, uncounted: 1 } }), {
      outputPath: 'a',
    });
  expect(told(null)).toMatch(/ tokens +n\/a prompt \(cached .*\), at least 46 completion\n/);
  expect(told(12)).toMatch(/ tokens +at least 12 prompt \(cached .*\), 46 completion\n/);
});

test('before the engine is open the number of workers is not known', () => {
  const snapshot = changeSnapshot(sampleSnapshot(), { progress: { workers: { current: 0, atStart: 0, max: 0 } } });
  expect(textOf('workers', snapshot)).toBe('n/a');
});
