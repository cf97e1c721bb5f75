import { backends } from '../../backends/index.ts';
import type { BackendDefinition } from '../../core/backend.ts';
import type { BackendAddress } from '../../core/connection.ts';
import { UsageError, messageOf } from '../../core/errors.ts';
import { nearest } from '../../text/nearest.ts';

export interface BackendChoice {
  definition: BackendDefinition;
  reason: string;
}

/** The named backend, or the first that serves every model of the input. */
export async function chooseBackend(
  asked: string,
  models: readonly string[],
  address: BackendAddress,
): Promise<BackendChoice> {
  if (asked !== 'auto') return { definition: findBackend(asked), reason: 'as asked for' };
  const [model] = models;
  if (model === undefined) return { definition: backends[0]!, reason: 'the input has no request' };
  for (const definition of backends) {
    if (await servesAll(definition, models, address)) return { definition, reason: `it serves ${models.join(', ')}` };
  }
  throw new UsageError(
    `no engine here serves the model ${models.map((name) => JSON.stringify(name)).join(', ')}`,
    'Start an Ollama server and fetch the model (ollama serve; ollama pull NAME), or give a GGUF file with ' +
      '-m path/to/model.gguf (npm install node-llama-cpp), a model of Hugging Face to a Python with vLLM (--python), or ' +
      `another server with --base-url; or name the engine with -b: ${names()}.`,
  );
}

async function servesAll(
  definition: BackendDefinition,
  models: readonly string[],
  address: BackendAddress,
): Promise<boolean> {
  for (const model of models) {
    if (!(await definition.serves(model, address))) return false;
  }
  return true;
}

export function findBackend(name: string): BackendDefinition {
  const found = backends.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    backends.map((definition) => definition.name),
  );
  throw new UsageError(
    `no backend is called "${name}"`,
    near === null ? `There are: ${names()}.` : `Did you mean ${near}?`,
  );
}

/** Checks `--option` before anything is opened. */
export async function checkOptions(definition: BackendDefinition, options: Record<string, unknown>): Promise<void> {
  const schema = await definition.optionsSchema();
  const unknown = Object.keys(options).find((key) => !(key in definition.optionsHelp));
  if (unknown !== undefined && definition.hasOpenOptions !== true) {
    const known = Object.keys(definition.optionsHelp);
    const near = nearest(unknown, known);
    const hint = near === null ? `It has: ${known.join(', ')}.` : `Did you mean ${near}?`;
    throw new UsageError(`${definition.name} has no option "${unknown}"`, hint);
  }
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const [issue] = checked.error.issues;
  throw new UsageError(`--option ${issue?.path.join('.') ?? ''}: ${issue?.message ?? messageOf(checked.error)}`);
}

const names = (): string => backends.map((definition) => definition.name).join(', ');
