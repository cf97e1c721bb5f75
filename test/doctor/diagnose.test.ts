import { describe, expect, test } from 'vitest';
import { diagnose, exitCodeOf, renderDiagnosisJson } from '../../src/doctor/diagnose.ts';
import type { SystemReport } from '../../src/doctor/examine-system.ts';
import { gpu, probe, settings } from '../backends/ollama/doctor/sample-search.ts';
import { bareSystem, system } from './sample-system.ts';

/** Level and code of each finding, the usable backends, and the exit code. */
function outcomeOf(subject: SystemReport): unknown[] {
  const { findings, usable, verdict } = diagnose(subject);
  return [findings.map(({ level, id }) => [level, id]), usable, exitCodeOf({ verdict })];
}

describe('what can be used', () => {
  test('where nothing is wrong nothing is found', () => {
    expect(outcomeOf(system())).toEqual([[], ['llama-cpp', 'ollama'], 0]);
  });

  test('one engine is enough', () => {
    expect(outcomeOf(bareSystem({ embedded: '3.22.1' }))).toEqual([[], ['llama-cpp'], 0]);
  });

  test('where nothing at all can be used the first word says so, and what to install', () => {
    const subject = bareSystem();
    expect(outcomeOf(subject)).toEqual([[['error', 'no-engine']], [], 4]);
    expect(diagnose(subject).findings[0]?.fix).toBe(
      'npm install node-llama-cpp, or Ollama (https://ollama.com/download)',
    );
  });

  test('an engine that is too old can not be used', () => {
    const old = system({ python: { vllmVersion: '0.11.0' } });
    expect(outcomeOf(old)).toEqual([[['warning', 'vllm-version']], ['llama-cpp', 'ollama'], 0]);
    const fresh = system({ python: { vllmVersion: '0.11.1' } });
    expect(outcomeOf(fresh)).toEqual([[], ['llama-cpp', 'ollama', 'vllm'], 0]);
  });

  test('what the user named and can not be used is an error, whatever else is here', () => {
    const elsewhere = { url: 'http://gpu-box:11434', address: 'gpu-box', isLocal: false };
    const subject = bareSystem({ embedded: '3.22.1', ollama: elsewhere, asked: { host: 'gpu-box' } });
    expect(outcomeOf(subject)).toEqual([[['error', 'ollama-server-silent']], ['llama-cpp'], 4]);
    const failure = { kind: 'model-not-found', text: 'the server has no model "x"', hint: null };
    const asked = system({ ollama: { probe: probe({ slots: null, failure }) }, asked: { model: 'x' } });
    expect(outcomeOf(asked)).toEqual([[['error', 'ollama-model-not-found']], ['llama-cpp', 'ollama'], 4]);
  });

  test('a server that is not started is a warning', () => {
    const ollama = { isInstalled: true, address: '127.0.0.1:11434' };
    expect(outcomeOf(bareSystem({ embedded: '3.22.1', ollama }))).toEqual([
      [['warning', 'ollama-server-silent']],
      ['llama-cpp'],
      0,
    ]);
  });
});

test('a driver that fails is told in its own words', () => {
  const subject = system({ gpu: { gpus: [], failure: "couldn't communicate with the driver" } });
  expect(outcomeOf(subject)).toEqual([[['warning', 'gpu-driver']], ['llama-cpp', 'ollama'], 0]);
  expect(diagnose(subject).findings[0]?.text).toContain("couldn't communicate");
});

test('the worst comes first, and of one level what was examined first', () => {
  const subject = system({
    asked: { model: 'x' },
    gpu: { gpus: [], failure: 'no driver' },
    ollama: {
      isOpenToOthers: true,
      version: '0.33.0',
      probe: probe({ slots: null, failure: { kind: 'timeout', text: 'late', hint: null } }),
    },
    python: { vllmVersion: '0.11.0' },
  });
  expect(diagnose(subject).findings.map(({ level, id }) => [level, id])).toEqual([
    ['error', 'ollama-probe-failed'],
    ['warning', 'ollama-open-to-others'],
    ['warning', 'gpu-driver'],
    ['warning', 'vllm-version'],
    ['hint', 'ollama-version-no-cached-count'],
  ]);
});

test('the JSON holds what each backend found under keys of its own', () => {
  const subject = system({
    ollama: { probe: probe({ slots: 1 }), settings: settings({}, 'command') },
    gpu: { gpus: [gpu(10)] },
  });
  const json = JSON.parse(renderDiagnosisJson(diagnose(subject))) as Record<string, unknown>;
  expect(Object.keys(json)).toEqual([
    'schema_version',
    'llmbatch',
    'asked',
    'engines',
    'gpu',
    'ollama',
    'embedded',
    'openai',
    'python',
    'ray',
    'usable',
    'findings',
    'how_to_set',
    'verdict',
  ]);
  expect(json).toMatchObject({
    asked: { host: null, model: null },
    gpu: { gpus: [{ total_bytes: 16 * 1024 ** 3 }], failure: null },
    ollama: { is_local: true, settings: { values: { OLLAMA_NUM_PARALLEL: null }, started_by: 'command' } },
    embedded: { version: '3.22.1' },
    openai: { is_base_url_set: false },
    python: { named_by: 'PATH', vllm_version: null },
    findings: [
      {
        level: 'warning',
        id: 'ollama-one-slot',
        text: expect.stringContaining('one request at a time'),
        fix: 'OLLAMA_NUM_PARALLEL=4 when you start the server',
        setting: { name: 'OLLAMA_NUM_PARALLEL', value: '4' },
      },
    ],
    how_to_set: [expect.any(String), '  LLAMA_ARG_CACHE_RAM=0 OLLAMA_NUM_PARALLEL=4 ollama serve'],
  });
});
