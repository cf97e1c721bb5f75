import type { LlamaContext, LlamaContextOptions, LlamaModel } from 'node-llama-cpp';
import { describe, expect, test } from 'vitest';
import { createContext } from '../../../src/backends/llama-cpp/create-context.ts';
import type { EngineSettings } from '../../../src/backends/llama-cpp/options.ts';

class InsufficientMemoryError extends Error {}
const settings = { sequences: 2, contextTokens: 512, threads: 1, batchTokens: null, flashAttention: null };

/** What a context was made with: each `swaFullCache` that was tried. Whole windows fit into no memory where `isTight`. */
async function triesOf(
  swaFull: boolean | null,
  { isTight = false, swaSize = 512 }: { isTight?: boolean; swaSize?: number } = {},
): Promise<unknown[]> {
  const tries: unknown[] = [];
  const model = {
    llama: { gpu: false },
    fileInsights: { swaSize },
    createContext: async ({ swaFullCache }: LlamaContextOptions): Promise<LlamaContext> => {
      tries.push(swaFullCache);
      if (isTight && swaFullCache === true) throw new InsufficientMemoryError('too large');
      return {} as LlamaContext;
    },
  };
  const engine = { InsufficientMemoryError } as unknown as Parameters<typeof createContext>[0];
  await createContext(engine, model as unknown as LlamaModel, { ...settings, swaFull } as EngineSettings).catch(
    (error: unknown) => tries.push(error),
  );
  return tries;
}

describe('what lies behind a sliding window', () => {
  test('is kept, or left as the user says', async () => {
    expect([await triesOf(null), await triesOf(true), await triesOf(false)]).toEqual([[true], [true], [false]]);
  });

  test('is left where it does not fit, unless the user wants it or there is no window', async () => {
    expect(await triesOf(null, { isTight: true })).toEqual([true, false]);
    const error = expect.any(InsufficientMemoryError);
    expect(await triesOf(true, { isTight: true })).toEqual([true, error]);
    expect(await triesOf(null, { isTight: true, swaSize: 0 })).toEqual([true, error]);
  });
});
