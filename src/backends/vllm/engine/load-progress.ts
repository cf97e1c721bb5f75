import type { OpenRequest } from '../../../core/backend.ts';

/** Turns a line of vLLM's log about the load into a notice for the user; null for the many other lines. */
export function loadProgress(line: string): string | null {
  for (const [pattern, notice] of notices) {
    const found = pattern.exec(line);
    if (found !== null) return typeof notice === 'string' ? notice : notice(found);
  }
  return null;
}

/** The texts are those of vLLM 0.11 to 0.32. */
const notices: readonly [pattern: RegExp, notice: string | ((found: RegExpExecArray) => string)][] = [
  [/Fetching \d+ files|Downloading .*safetensors/, 'vllm: fetching the model'],
  [/Starting to load model/, 'vllm: loading the weights'],
  [
    /checkpoint shards: +([1-9]\d*)% Completed \| (\d+)\/(\d+)/,
    ([, percent, done, all]) => `vllm: loading the weights (${percent}%, file ${done} of ${all})`,
  ],
  [
    /Model loading took ([\d.]+) Gi?B(?: memory)? and ([\d.]+) seconds/,
    ([, size, seconds]) => `vllm: weights loaded (${size} GiB in ${Number(seconds).toFixed(0)} s)`,
  ],
  [
    /Warming up model for the compilation|Dynamo bytecode transform time|Compiling a graph|torch\.compile (?:takes|took)/,
    'vllm: compiling the model',
  ],
  [/Capturing CUDA graphs?/i, 'vllm: capturing CUDA graphs'],
  [/KV cache size: ([\d,]+) tokens/, ([, tokens]) => `vllm: room for ${tokens} tokens in the KV cache`],
];

/** What the engine does now, in the words of a notice; null where that does not tell. */
function stepOf(notice: string): string | null {
  if (notice.startsWith('vllm: weights loaded')) return 'preparing the model';
  return /^vllm: ((?:fetching|loading|compiling|capturing).*)/.exec(notice)?.[1] ?? null;
}

/**
 * Hands on each notice once, and what the engine does then as a step. Notices with figures are details: a user wants to know only that the load
 * goes on.
 */
export function createLoadProgress({
  onNotice,
  onStep,
}: Pick<OpenRequest, 'onNotice' | 'onStep'>): (line: string) => void {
  const said = new Set<string>();
  return (line) => {
    const notice = loadProgress(line);
    if (notice === null || said.has(notice)) return;
    said.add(notice);
    const step = stepOf(notice);
    if (step !== null) onStep?.(step);
    if (/\d/.test(notice)) onNotice(notice, 'detail');
    else onNotice(notice);
  };
}
