import { randomInt } from 'node:crypto';
import type {
  LlamaContextSequence,
  LlamaGrammarEvaluationState,
  LlamaModel,
  SequenceEvaluateOptions,
  Token,
} from 'node-llama-cpp';
import { type Repetition, repeatedTokens } from '../../request/repetition.ts';
import { createAnswerText } from './answer-text.ts';
import type { GenerationSettings } from './read-body.ts';
import type { InRound } from '../sequences/rounds.ts';

export interface Generation {
  text: string;
  answerTokens: number;
  /** Prompt tokens that the sequence had evaluated already. */
  cachedTokens: number;
  /** Cause of the end: the model's end token, a stop string, the limit of tokens, or an answer that repeats itself. */
  end: 'eog' | 'stop-string' | 'limit' | 'repetition';
  stop: string | null;
  repetition: Repetition | null;
}

export interface GenerationTask {
  prompt: Token[];
  /** Most tokens of the answer; prompt and answer must fit into the sequence. */
  limit: number;
  settings: GenerationSettings;
  /** False: an answer that repeats itself without end is ended. */
  allowRepetition: boolean;
  /** One for each answer. */
  grammar: LlamaGrammarEvaluationState | null;
  signal: AbortSignal;
  /** Called with the prompt tokens that were computed, and found in the sequence, since the last call. */
  onPrompt: (computed: number, cached: number) => void;
  onFirstToken: () => void;
  onToken: () => void;
}

/** An evaluation can't be interrupted, so a long prompt goes in pieces of this many tokens. */
const prefillTokens = 256;

/**
 * So many tokens of a prompt are always evaluated at its end: from an unchanged sequence no answer would come, and on a
 * CPU a token that is evaluated alone goes through another kernel, with other roundings than it has among others.
 */
const minRest = 2;

/** Refuses to shift the context: without it the engine silently drops the beginning of a prompt that is too long. */
const contextShift = {
  strategy: (): never => {
    throw new Error('The context is full');
  },
};

/** A sequence, and the rounds in which it is evaluated together with others. */
export interface SequenceInRounds {
  sequence: LlamaContextSequence;
  inRound: InRound;
}

/** Evaluates a prompt and generates its answer on one sequence. Throws the signal's reason when aborted. */
export async function generateAnswer(place: SequenceInRounds, task: GenerationTask): Promise<Generation> {
  const { prompt, limit } = task;
  const { sequence } = place;
  const cachedTokens = await prefill(place, task);
  const answer = createAnswerText(sequence.model, prompt, task.settings.stop);
  const tokens: Token[] = [];
  const finished = (end: Generation['end'], repetition: Repetition | null = null): Generation => ({
    text: answer.text(),
    answerTokens: tokens.length,
    cachedTokens,
    end,
    stop: answer.metStop(),
    repetition,
  });
  const generated = {
    tokens,
    textOf: (some: readonly number[]) => sequence.model.detokenize(some as Token[]),
    hasGrammar: task.grammar !== null,
  };
  for await (const token of answerTokens(place, task, tokens)) {
    if (sequence.model.isEogToken(token)) return finished('eog');
    tokens.push(token);
    task.onToken();
    if (answer.add(token)) return finished('stop-string');
    if (tokens.length === limit) break;
    const repetition = task.allowRepetition ? null : repeatedTokens(generated);
    if (repetition !== null) return finished('repetition', repetition);
  }
  return finished('limit');
}

/** Evaluates the prompt but for its last piece. Returns how many of its tokens were there already. */
async function prefill({ sequence, inRound }: SequenceInRounds, task: GenerationTask): Promise<number> {
  const { prompt, signal, onPrompt } = task;
  await sequence.adaptStateToTokens(prompt.slice(0, -minRest), false);
  if (!holdsWindow(sequence)) await sequence.clearHistory();
  const cachedTokens = sequence.nextTokenIndex;
  onPrompt(0, cachedTokens);
  while (prompt.length - sequence.nextTokenIndex >= prefillTokens + minRest) {
    signal.throwIfAborted();
    const start = sequence.nextTokenIndex;
    const piece = prompt.slice(start, start + prefillTokens);
    await inRound('prompt', () => sequence.evaluateWithoutGeneratingNewTokens(piece, { contextShift }));
    onPrompt(prefillTokens, 0);
  }
  signal.throwIfAborted();
  return cachedTokens;
}

/** Evaluates the last piece of the prompt, and then one token after the other. `answer` are those that were taken. */
async function* answerTokens(
  { sequence, inRound }: SequenceInRounds,
  task: GenerationTask,
  answer: Token[],
): AsyncGenerator<Token, void> {
  const rest = task.prompt.slice(sequence.nextTokenIndex);
  const tokens = sequence.evaluate(rest, samplingOptions(task, answer));
  try {
    for (;;) {
      const isFirst = answer.length === 0;
      const { value: token, done } = await inRound(isFirst ? 'prompt' : 'token', () => tokens.next());
      task.signal.throwIfAborted();
      if (done === true) return;
      if (isFirst) {
        task.onPrompt(rest.length, 0);
        task.onFirstToken();
      }
      yield token;
    }
  } finally {
    await tokens.return();
  }
}

/**
 * Holds a sequence all that its next token attends to? Behind a sliding window the engine forgets tokens as others come,
 * and goes on without them where what came is taken back: the numbers would be of another prompt.
 */
export const holdsWindow = (
  sequence: Pick<LlamaContextSequence, 'stateCellsStartIndex' | 'nextTokenIndex'> & {
    model: { fileInsights: Pick<LlamaModel['fileInsights'], 'swaSize'> };
  },
): boolean => {
  const { stateCellsStartIndex, nextTokenIndex, model } = sequence;
  return stateCellsStartIndex <= Math.max(0, nextTokenIndex - (model.fileInsights.swaSize ?? 0));
};

/** Penalties look back at most so many tokens of the answer. */
const maxPunishTokens = 4096;

function samplingOptions({ settings, grammar, limit }: GenerationTask, answer: Token[]): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, frequencyPenalty, presencePenalty, repeatPenalty } = settings;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed: settings.seed === null ? randomInt(2 ** 32) : settings.seed >>> 0,
    yieldEogToken: true,
    contextShift,
    repeatPenalty: {
      punishTokens: () => answer,
      maxPunishTokens: Math.min(limit, maxPunishTokens),
      penalty: repeatPenalty,
      frequencyPenalty,
      presencePenalty,
    },
    ...(grammar === null ? {} : { grammarEvaluationState: grammar }),
  };
}
