import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BackendDefinition } from '../../src/core/backend.ts';
import type { BackendDoctor, ExaminedEngine } from '../../src/core/doctor/examination.ts';
import { examineSystem } from '../../src/doctor/examine-system.ts';
import { mockBackend } from '../../src/backends/mock/index.ts';
import { onlyPrograms } from '../helpers/only-programs.ts';

const nothing: ExaminedEngine = {
  isUsable: true,
  serverUrl: null,
  json: {},
  report: () => ({ rows: [], findings: [], howToSet: [] }),
};

const withDoctor = (name: string, doctor: BackendDoctor): BackendDefinition => ({ ...mockBackend, name, doctor });

test('a backend that probes comes first; the GPUs are seen with what it loaded, and the others leave its server alone', async () => {
  const environment = await onlyPrograms({ 'nvidia-smi': '[ -e "$PATH/loaded" ] && echo "a, 1, 2, 1, 1"' });
  const order: string[] = [];
  const quiet = withDoctor('quiet', {
    examine: async ({ otherServers }) => {
      order.push('quiet');
      expect(otherServers).toEqual([{ backend: 'probing', url: 'http://127.0.0.1:8000' }]);
      return nothing;
    },
  });
  const probing = withDoctor('probing', {
    install: 'npm install probing',
    probe: { description: 'Probes.', option: 'an option' },
    examine: async ({ model, options, wantsProbe }) => {
      expect([model, options, wantsProbe]).toEqual(['m', { a: 1 }, true]);
      order.push('probing');
      await writeFile(join(environment['PATH'] ?? '', 'loaded'), '');
      return { ...nothing, serverUrl: 'http://127.0.0.1:8000' };
    },
  });
  const request = {
    asked: { model: 'm' },
    flags: { server: [], option: [] },
    named: [],
    search: null,
    environment,
    placesOf: () => [{ address: { connection: {}, environment }, name: null }],
    modelFor: () => 'm',
    options: { a: 1 },
    wantsProbe: true,
    onNotice: () => {},
  };
  const system = await examineSystem([quiet, mockBackend, probing], request);
  expect(order).toEqual(['probing', 'quiet']);
  expect(system.engines).toEqual(['quiet', 'mock', 'probing']);
  expect([system.probed, system.others].map((list) => list.map(({ name, install }) => [name, install]))).toEqual([
    [['probing', 'npm install probing']],
    [['quiet', null]],
  ]);
  expect(system.gpu.gpus).toHaveLength(1);
});
