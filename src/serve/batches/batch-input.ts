import type { AnswerSettings } from '../../core/settings.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import type { InputRequest } from '../../run/read-input.ts';
import type { Store } from '../store/store.ts';

/** Where the batches are, and with which settings they are run. */
export interface BatchContext {
  store: Pick<Store, 'batches' | 'files'>;
  settings: AnswerSettings;
}

/** The input of a batch, as its run reads it: as JSONL, whatever it looks like. */
export function batchInput(id: string, { store, settings }: BatchContext): InputRequest {
  const { input, results } = store.batches.pathsOf(id);
  return { input, spool: null, paths: pathsOf(results), settings: { ...settings, format: 'jsonl' } };
}
