import type { BackendDefinition } from '../../core/backend.ts';
import type { Notify } from '../../core/events.ts';
import { planGroups } from '../../input/plan-rows.ts';
import { readItems } from '../../input/read-items.ts';
import { createRequestHash } from '../../journal/request-hash.ts';
import { addressesOf } from '../choose/server-addresses.ts';
import { refuseConversation, reuseFlags } from '../repeats.ts';
import type { RunInput } from '../read-input.ts';
import type { RunRequest } from '../run-request.ts';
import { type ReuseSources, openReuseSources } from './reuse-sources.ts';
import { createMatch } from './reuse.ts';

/** How many requests of an input `--reuse` and `--dedupe` would leave out. */
export interface ReuseCount {
  /** Those that an earlier output answers. */
  reused: number;
  /** Those that are the same as another one of the input. */
  copies: number;
}

/** The input of a run that is not begun, and who would answer it. */
export interface Planned {
  request: RunRequest;
  input: RunInput;
  definition: BackendDefinition;
  notify: Notify;
}

/**
 * Counts what would not be sent, without an engine; null where neither flag was given. `unknown`: the model can't be told from
 * others of its name before the engine is open. Throws a `UsageError` where the flags can't be used.
 */
export async function countReuse(planned: Planned): Promise<ReuseCount | 'unknown' | null> {
  const { request, notify } = planned;
  const flags = reuseFlags(request.runner);
  if (flags === null) return null;
  refuseConversation(flags, request.settings);
  const sources = await openReuseSources({ request, origin: { isNew: true, isAdopted: false }, notify });
  try {
    return await countMatches(planned, sources);
  } finally {
    await sources.close();
  }
}

async function countMatches({ request, input, definition }: Planned, sources: ReuseSources) {
  const { settings, runner } = request;
  const [address] = addressesOf(definition, runner.connections, process.env);
  const counts = { reused: 0, copies: 0 };
  for (const { model, rows } of planGroups(input.scan)) {
    if (model === null) continue;
    const digest = await definition.weightsDigest?.(model, address!);
    if (digest === undefined) return 'unknown';
    const hashOf = createRequestHash({ backend: definition.name, model, digest, mode: 'independent', settings });
    const match = createMatch({ definition, sources, dedupe: runner.dedupe }, hashOf);
    for await (const items of readItems(input.handle, input.scan, rows)) {
      for (const item of items) {
        const found = await match(item);
        if (found !== null) counts['earlier' in found ? 'reused' : 'copies']++;
      }
    }
    sources.tell({ requests: counts.reused > 0 ? 0 : rows.length, reused: 0, copies: 0, isModelKnown: true });
  }
  return counts;
}
