import { EngineError } from '../../core/errors.ts';

/** Refuses a model that can't be given the chats of a run. `fitting`: names of templates that may be the model's. */
export function noChatTemplate(model: string, fitting: readonly string[]): EngineError {
  const names = fitting.map((name) => `--chat-template ${name}`).join(' or ');
  const given = names === '' ? '--chat-template (a Jinja file, or a name that --help lists)' : names;
  const why = names === '' ? '' : ', which fits the tokens of the model';
  return new EngineError(
    'unusable',
    `${model} has no chat template, and the requests are chats.`,
    `Give one with ${given}${why}; or take a model trained on chats (-it, -instruct); or send \`prompt\`, with its markup written out, to /v1/completions.`,
  );
}
