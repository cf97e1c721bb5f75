import { answerTo, answerToCutPrompt } from './answer.ts';
import type { Decoded, Generated } from './answer-writer.ts';
import { checkFormat } from './check-format.ts';
import { type Decoding, type Output, decode, pause, runnerDied } from './decode.ts';
import { staleError } from './faults.ts';
import { type Prompt, type PromptRules, cutCount, preparePrompt } from './prompt.ts';
import { tokenize } from './vocabulary.ts';

export interface GenerateSettings extends PromptRules {
  tokenMs: number;
  promptTokenMs: number;
}

/** Answers a request on a runner, when its turn has come. */
export async function generate(decoding: Decoding, settings: GenerateSettings): Promise<void> {
  const { runner, writer, signal } = decoding;
  await runner.line.enter(signal);
  try {
    // Its last line is written before the next one has its turn: whoever counts the slots from outside relies on it.
    writer.end(await generateNow(decoding, settings));
  } finally {
    runner.line.leave();
  }
}

/** Null where the answer ends without a last line. */
async function generateNow(decoding: Decoding, settings: GenerateSettings): Promise<Generated | null> {
  const { request, runner } = decoding;
  checkFormat(request.format);
  const prompt = preparePrompt(request, { ...settings, onRefused: runner.logError });
  const slot = runner.takeSlot(prompt.tokens);
  const kept = [...prompt.tokens];
  try {
    const begin = process.hrtime.bigint();
    await pause((prompt.tokens.length - slot.cached) * settings.promptTokenMs, decoding);
    if (decoding.fault === 'stale-text-early') {
      runner.logError(staleError);
      runner.kill();
      throw runnerDied(runner);
    }
    const first = process.hrtime.bigint();
    const decoded = await answer(prompt, decoding);
    if (decoded === null) return null;
    kept.push(...decoded.said);
    return {
      ...decoded,
      promptTokens: prompt.tokens,
      promptCount: decoding.fault === 'cut-prompt' ? cutCount(request.wanted.options.numCtx) : prompt.tokens.length,
      cached: slot.cached,
      promptEvalNs: microseconds(begin, first),
      evalNs: microseconds(first, process.hrtime.bigint()),
    };
  } finally {
    slot.free(kept);
  }
}

async function answer(prompt: Prompt, decoding: Decoding): Promise<Decoded | null> {
  const { request, writer } = decoding;
  const [tool] = request.tools;
  if (tool === undefined || prompt.messages.at(-1)?.role === 'tool') {
    return decode(outputOf(prompt, decoding), maxTokens(prompt, decoding), decoding);
  }
  writer.call(tool);
  return { doneReason: 'stop', evalCount: tokenize(tool).length + 1, said: [] };
}

const longRepetition = 'a'.repeat(100);

function outputOf(prompt: Prompt, { request, fault }: Decoding): Output {
  const question = prompt.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const isCut = prompt.cut || fault === 'cut-prompt';
  const text = isCut ? answerToCutPrompt(question) : answerTo(prompt.messages, request.format);
  return {
    thinking: request.think ? tokenize('Let me see.') : [],
    content: tokenize(fault === 'no-done' ? longRepetition : text),
  };
}

/** Open-ended answers have ten windows; without shift, what is left of the one. */
function maxTokens(prompt: Prompt, { request: { numPredict }, runner: { options } }: Decoding): number {
  const asked = numPredict > 0 ? numPredict : 10 * options.numCtx;
  return options.shift ? asked : Math.min(asked, options.numCtx - prompt.tokens.length);
}

/** llama-server measures in microseconds; never nothing. */
const microseconds = (from: bigint, to: bigint): number => Math.max(1, Number((to - from) / 1000n)) * 1000;
