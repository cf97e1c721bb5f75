import { DeadlineError, withDeadline } from '../../../async/abort.ts';
import { EngineError } from '../../../core/errors.ts';
import { nearest } from '../../../text/nearest.ts';
import { oneLine } from '../../../text/one-line.ts';
import { classifyError } from '../http/classify-error.ts';
import type { OllamaClient } from '../http/client.ts';
import { type ModelFacts, modelFacts } from './model-facts.ts';
import type { StoredModel, RunningModel } from '../http/wire.ts';

export interface FoundModel {
  facts: ModelFacts;
  /** Digest of its weights; null for a model that the server does not have on its disk. */
  digest: string | null;
  weightsBytes: number | null;
}

/** A vocabulary of 256,000 tokens is megabytes, but no minute's work. */
const maxSilenceMs = 60_000;

/** Asks the server for a model. Throws an `EngineError` where it has none of this name. */
export async function findModel(client: OllamaClient, name: string, signal: AbortSignal): Promise<FoundModel> {
  let models: StoredModel[] = [];
  try {
    return await withDeadline(signal, maxSilenceMs, async (within) => {
      models = await client.tags(within);
      const listed = models.find((model) => isNamed(model, name));
      const facts = modelFacts(await client.show(name, within));
      return { facts, digest: listed?.digest ?? null, weightsBytes: listed?.size ?? null };
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DeadlineError)
      throw new EngineError('unusable', `the server at ${client.host.url} does not list its models`);
    const { kind, message } = classifyError(error);
    throw kind === 'model-not-found' ? notFound(client, name, models) : new EngineError(kind, message);
  }
}

/**
 * Says whether a loaded model has this name. Case does not matter; a name without a tag means `latest`, one without a
 * host means Ollama's library.
 */
export const isNamed = ({ name: known }: Pick<RunningModel, 'name'>, name: string): boolean =>
  fullName(known) === fullName(name);

function fullName(name: string): string {
  const short = name.toLowerCase().replace(/^(registry\.ollama\.ai\/)?(library\/)?/, '');
  return /:[^/]*$/.test(short) ? short : `${short}:latest`;
}

function notFound({ host }: OllamaClient, name: string, models: readonly StoredModel[]): EngineError {
  const names = models.map((model) => oneLine(model.name.replace(/:latest$/, '')));
  const near = nearest(name, names);
  const hint =
    near === null
      ? `Fetch it with: ollama pull ${name}`
      : `Did you mean ${near}? Else fetch it with: ollama pull ${name}`;
  return new EngineError('model-not-found', `the Ollama server at ${host.url} has no model "${name}"`, hint);
}
