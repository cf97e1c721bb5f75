import { expect, test } from 'vitest';
import { reportFormats } from '../../src/report/index.ts';
import { foldReport } from '../../src/report/report-data.ts';
import { run } from './sample-run.ts';

test('every format renders a run without a single result', async () => {
  const empty = foldReport().finish({ ...run, backendVersion: null, model: null, mode: null, total: null });
  for (const render of Object.values(reportFormats)) {
    const text = await render(empty);
    expect(text).toMatch(/\n$/);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  }
});
