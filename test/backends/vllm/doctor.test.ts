import { expect, test } from 'vitest';
import { examinedPython } from '../../../src/backends/vllm/doctor.ts';
import type { PythonSearch } from '../../../src/backends/vllm/find-python.ts';
import type { Finding } from '../../../src/core/doctor/finding.ts';

const python = { command: 'python3', namedBy: 'PATH', version: '3.11.7', vllmVersion: null, failure: null } as const;

function examine(changes: Partial<PythonSearch>): { isUsable: boolean; findings: Finding[]; rows: string[][] } {
  const examined = examinedPython({ ...python, ...changes });
  const machine = { platform: 'linux', freeMemoryBytes: 0, gpu: { gpus: [], failure: null } };
  return { isUsable: examined.isUsable, ...examined.report(machine) };
}

test('vLLM that is too old can not be used', () => {
  const old = examine({ vllmVersion: '0.11.0', command: '/venv/bin/python' });
  expect(old.isUsable).toBe(false);
  expect(old.findings).toMatchObject([
    { level: 'warning', id: 'vllm-version', fix: '/venv/bin/python -m pip install -U vllm' },
  ]);
  expect(old.rows).toEqual([['vllm', 'vLLM 0.11.0 in /venv/bin/python (3.11.7), too old: 0.11.1 is needed']]);
  expect(examine({ vllmVersion: '0.11.1' })).toMatchObject({ isUsable: true, findings: [] });
});

test('a Python that was named and is not there', () => {
  const missing = { command: '/gone', version: null, failure: 'it is not there' };
  const { findings, rows } = examine({ ...missing, namedBy: 'LLMBATCH_PYTHON' });
  expect(findings).toMatchObject([{ id: 'vllm-python', text: expect.stringContaining('LLMBATCH_PYTHON') }]);
  expect(rows).toEqual([['vllm', 'no Python: /gone: it is not there']]);
  expect(examine({ ...missing, namedBy: 'PATH' }).findings).toEqual([]);
});
