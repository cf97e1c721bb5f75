import { EngineError } from '../../../core/errors.ts';
import { nearest } from '../../../text/nearest.ts';
import { oneLine } from '../../../text/one-line.ts';
import { type ServedModel, type ModelList, isListed } from './served-models.ts';

/** The model as the server lists it; null where it has no list. Throws an `EngineError` where the list has it not. */
export function findModel(list: ModelList | null, model: string, url: string): ServedModel | null {
  if (list === null) return null;
  const { kind, models } = list;
  const [only] = models;
  // It has one model, and takes any name for it.
  if (kind === 'llamacpp' && models.length === 1 && only !== undefined) return only;
  if (!isListed(models, model)) throw notFound(models, model, url);
  return models.find(({ name }) => name === model) ?? { name: model, contextTokens: null };
}

/** The model as `findModel` finds it, of a server that had this one before. Throws an `EngineError` where it has another one now. */
export function findAgain(list: ModelList | null, before: ServedModel | null, model: string, url: string): void {
  const now = findModel(list, model, url);
  // The path may be written in another way.
  if (now === null || before === null || fileName(now.name) === fileName(before.name)) return;
  throw new EngineError(
    'model-not-found',
    `the server at ${url} has another model than before: ${oneLine(now.name)}, not ${oneLine(before.name)}`,
    'Start it with the model of this run again.',
  );
}

const fileName = (name: string): string | undefined => name.split(/[/\\]/).at(-1);

const maxNames = 5;

function notFound(models: readonly ServedModel[], model: string, url: string): EngineError {
  const names = models.map(({ name }) => oneLine(name));
  const near = nearest(model, names) ?? names.find((name) => name.split('/').at(-1) === model.split('/').at(-1));
  const shown = `${names.slice(0, maxNames).join(', ')}${names.length > maxNames ? ', ...' : ''}`;
  const has = names.length === 0 ? 'It lists none.' : `It has: ${shown}.`;
  const hint = near === undefined || near === null ? has : `Did you mean ${near}?`;
  return new EngineError('model-not-found', `the server at ${url} has no model "${model}"`, hint);
}
