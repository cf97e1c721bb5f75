import { EngineError } from '../../core/errors.ts';

/** Refuses a model that can't be given the chats of a run. `fitting`: names of templates that may be the model's. */
export function noChatTemplate(model: string, fitting: readonly string[]): EngineError {
  return new EngineError(
    'unusable',
    `${model} has no chat template, and the requests are chats.`,
    `Set one with ${templateFlag(fitting)}; or use a model trained for chats (-it, -instruct); or send \`prompt\`, with all markup in it, to /v1/completions.`,
  );
}

/** The flag that gives a template, as the end of a clause. */
export function templateFlag(fitting: readonly string[]): string {
  const names = fitting.map((name) => `--chat-template ${name}`).join(' or ');
  return names === ''
    ? '--chat-template (a Jinja file, or a name that --help lists)'
    : `${names}, which fits the tokens of the model`;
}
