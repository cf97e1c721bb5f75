import { recordedBody } from './recordings.ts';
import type { JsonObject } from './json.ts';
import type { LoadedModel } from './scheduler.ts';
import { goTime } from './go-json.ts';
import { shownModel } from './vocabulary.ts';

export interface FakeModel {
  name: string;
  capabilities: string[];
  /** Changes when the model is pulled again. */
  digest: string;
}

/** Names are the same whatever their case. */
export const fullName = (name: string): string => (name.includes(':') ? name : `${name}:latest`).toLowerCase();

const listed = readListedModel();

export const listModel = ({ name, capabilities, digest }: FakeModel): JsonObject => ({
  ...listed,
  name: fullName(name),
  model: fullName(name),
  digest,
  capabilities,
});

export const defaultDigest = String(listed['digest']);

/** A model in memory. Its size grows with the context of all slots. */
export function listLoaded(
  { name, digest }: FakeModel,
  loaded: LoadedModel,
  memory: { slots: number; vram: number },
): JsonObject {
  const { numCtx } = loaded.runner.options;
  const size = 3_313_498 + Math.round(2181.12 * numCtx * memory.slots);
  const details = listed['details'] as JsonObject;
  const { context_length: _context, embedding_length: _embedding, ...shown } = details;
  return {
    name: fullName(name),
    model: fullName(name),
    size,
    digest,
    details: shown,
    expires_at: goTime(Math.min(loaded.expiresAt, Date.now() + 9_223_372_036_854)),
    size_vram: Math.round(size * memory.vram),
    context_length: numCtx,
  };
}

/** `/api/show`; without `verbose` the long lists are null. */
export function showModel({ capabilities }: FakeModel, verbose: boolean): JsonObject {
  const info = Object.entries(shownModel.model_info).map(([key, value]) => [
    key,
    Array.isArray(value) && !verbose ? null : value,
  ]);
  return { ...shownModel, model_info: Object.fromEntries(info) as JsonObject, capabilities };
}

function readListedModel(): JsonObject {
  const [model] = (recordedBody('tags') as { models: JsonObject[] }).models;
  if (model === undefined) throw new Error('the recording of /api/tags lists no model');
  return model;
}
