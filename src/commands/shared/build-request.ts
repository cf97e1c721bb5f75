import type { BackendDefinition } from '../../core/backend.ts';
import { UsageError, isErrorKind } from '../../core/errors.ts';
import {
  type AnswerSettings,
  type RunnerSettings,
  defaultAnswerSettings,
  defaultRunnerSettings,
} from '../../core/settings.ts';
import { askedConnections } from './connection/asked-connections.ts';
import { tell, tellJson } from './print.ts';
import { readSchema } from './read-schema.ts';
import { readChatTemplate, textOrFile } from './read-text.ts';
import type { AnswerFlags, RunnerFlags } from './run-flags.ts';

/** The settings that the flags of `run` ask for, over those of `base`; checked as far as they can be without an engine. */
export async function answerSettings(
  flags: Partial<AnswerFlags & Pick<RunnerFlags, 'progress'>>,
  base: AnswerSettings = defaultAnswerSettings,
): Promise<AnswerSettings> {
  // In JSON mode every line on stderr must be JSON.
  const note = (text: string): void => (flags.progress === 'json' ? tellJson({ note: text }) : tell(text));
  const { system, promptTemplate, chatTemplate, schema } = flags;
  return {
    ...base,
    ...withoutUndefined(flagsAsSettings(flags)),
    options: { ...base.options, ...flags.option },
    system: system === undefined ? base.system : await textOrFile('--system', system, note),
    promptTemplate:
      promptTemplate === undefined ? base.promptTemplate : await textOrFile('--prompt-template', promptTemplate, note),
    chatTemplate: chatTemplate === undefined ? base.chatTemplate : await readChatTemplate(chatTemplate),
    schema: schema === undefined ? base.schema : await readSchema(schema),
    parameters: { ...base.parameters, ...parametersOf(flags) },
    conversation: { ...base.conversation, ...withoutUndefined(conversationFlags(flags)) },
  };
}

/** The settings of a run, with the flags that `resume` was given in place of its own. */
export function retrySettings(base: AnswerSettings, given: Partial<AnswerFlags>): AnswerSettings {
  const { controlTokens, allowTruncated, allowEmptyAnswers, allowRepetition, allowEmptyFields } = given;
  return {
    ...base,
    ...withoutUndefined({ controlTokens, allowTruncated, allowEmptyAnswers, allowRepetition, allowEmptyFields }),
    parameters: { ...base.parameters, ...parametersOf(given) },
    options: { ...base.options, ...given.option },
  };
}

function flagsAsSettings(flags: Partial<AnswerFlags>) {
  const { backend, model, mode, format, limit, sample, controlTokens } = flags;
  const { allowTruncated, allowEmptyAnswers, allowRepetition } = flags;
  const { delimiter, encoding, idField, allowEmptyFields } = flags;
  const input = { format, delimiter, encoding, idField, allowEmptyFields, limit, sample };
  const lenient = { controlTokens, allowTruncated, allowEmptyAnswers, allowRepetition };
  return { ...input, ...lenient, backend, model, mode };
}

function conversationFlags({ trimEvery, keepMessages, trimTokens, contextWindow }: Partial<AnswerFlags>) {
  return { trimEvery, keepMessages, trimTokens, contextTokens: contextWindow };
}

/** Flags that are a setting of the same name. */
const sameNames = [
  'retries',
  'retryOn',
  'maxErrorRate',
  'strict',
  'order',
  'fsync',
  'background',
  'unload',
  'vramLimit',
  'forceHistories',
] as const;

/** The settings of how a run is carried out: the flags that were given, over what was there before. */
export async function runnerSettings(
  flags: Partial<RunnerFlags> & { strict?: boolean; backend?: string },
  backends: readonly BackendDefinition[],
  base: RunnerSettings = defaultRunnerSettings,
): Promise<RunnerSettings> {
  const unknown = flags.retryOn?.find((kind) => !isErrorKind(kind));
  if (unknown !== undefined) throw new UsageError(`--retry-on: no kind of error is called "${unknown}"`);
  const same = Object.fromEntries(sameNames.map((name) => [name, flags[name]]));
  const given = {
    ...same,
    connections: await askedConnections(flags, backends, base.connections),
    workers: flags.workers === 'auto' ? null : flags.workers,
    hours: flags.hours === 'always' ? null : flags.hours,
    timeoutMs: flags.timeout,
    stallTimeoutMs: flags.stallTimeout,
    drainTimeoutMs: flags.drainTimeout,
  };
  return { ...base, ...withoutUndefined(given) };
}

function withoutUndefined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

function parametersOf(flags: Partial<AnswerFlags>): Record<string, unknown> {
  const { temperature, maxTokens, topP, seed, stop, think } = flags;
  const stops = stop?.length === 0 ? undefined : stop;
  return withoutUndefined({ temperature, max_tokens: maxTokens, top_p: topP, seed, stop: stops, think });
}
