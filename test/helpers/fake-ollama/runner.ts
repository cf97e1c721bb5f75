import { type WaitingLine, createWaitingLine } from './waiting-line.ts';
import { refuseLate } from './refusal.ts';

/** What a loaded model was loaded with. Another value of any of these is another load. */
export interface LoadOptions {
  numCtx: number;
  /** Null: the server's choice. */
  numGpu: number | null;
  /** The other ones as they were sent, in a fixed order. */
  others: string;
  shift: boolean;
}

export interface Runner {
  model: string;
  options: LoadOptions;
  line: WaitingLine;
  /** Aborts when the process dies. */
  died: AbortSignal;
  /** Kills the process; everything queued is refused. */
  kill: () => void;
  /** An error of one request, which the server quotes when the process dies, in errors of others. */
  logError: (text: string) => void;
  readonly errors: string;
  /** Takes the free slot that knows most of the prompt; resolves to the number of tokens it knows. */
  takeSlot: (prompt: number[]) => { cached: number; free: (tokens: number[]) => void };
}

interface Slot {
  tokens: number[];
  busy: boolean;
  usedAt: number;
}

export function createRunner(model: string, options: LoadOptions, lanes: Lanes): Runner {
  const slots: Slot[] = Array.from({ length: lanes.slots }, () => ({ tokens: [], busy: false, usedAt: 0 }));
  const death = new AbortController();
  const line = createWaitingLine(lanes.slots, lanes.onChange);
  let uses = 0;
  const errors: string[] = [];
  return {
    model,
    options,
    line,
    died: death.signal,
    get errors() {
      return errors.join('\n');
    },
    logError(text) {
      errors.push(`error: task id = ${uses}, error: ${text}`);
    },
    kill() {
      death.abort();
      line.close(refuseLate(500, `llama-server process no longer running: unknown ${errors.join('\n')}`));
    },
    takeSlot(prompt) {
      const slot = chooseSlot(slots, prompt);
      // The last token is always computed.
      const cached = Math.min(commonLength(slot.tokens, prompt), prompt.length - 1);
      slot.busy = true;
      return {
        cached,
        free(tokens) {
          slot.tokens = tokens;
          slot.busy = false;
          slot.usedAt = ++uses;
        },
      };
    },
  };
}

export interface Lanes {
  slots: number;
  onChange: (line: WaitingLine) => void;
}

/** llama-server's rule: the longest common prefix if it is over a tenth of the prompt, else the least recently used. */
function chooseSlot(slots: Slot[], prompt: number[]): Slot {
  const idle = slots.filter(({ busy }) => !busy);
  const best = idle.toSorted((a, b) => commonLength(b.tokens, prompt) - commonLength(a.tokens, prompt))[0];
  if (best !== undefined && commonLength(best.tokens, prompt) > prompt.length / 10) return best;
  const oldest = idle.toSorted((a, b) => a.usedAt - b.usedAt)[0];
  if (oldest === undefined) throw new Error('no slot is idle');
  return oldest;
}

function commonLength(a: number[], b: number[]): number {
  const differs = b.findIndex((token, index) => a[index] !== token);
  return differs === -1 ? b.length : differs;
}

/** Whether a model loaded with `loaded` answers a request with `wanted` without another load. */
export const fits = (loaded: LoadOptions, wanted: LoadOptions): boolean =>
  loaded.numCtx === wanted.numCtx &&
  loaded.others === wanted.others &&
  loaded.shift === wanted.shift &&
  (wanted.numGpu === null || wanted.numGpu === loaded.numGpu);
