import type { BackendDefinition, Served } from '../../core/backend.ts';
import type { Connection } from '../../core/connection.ts';
import { NoEngineError, UsageError } from '../../core/errors.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import { commandLine } from '../../text/command-line.ts';
import { nearest } from '../../text/nearest.ts';
import { describeIssue } from './describe-issue.ts';
import { addressesOf, namesPlaceOf, serverWords } from './server-addresses.ts';

export interface BackendChoice {
  definition: BackendDefinition;
  reason: string;
}

/** Where the engines of a run are, and the environment that says what no flag does. */
export interface EngineConnections {
  connections: readonly Connection[];
  environment: NodeJS.ProcessEnv;
}

/**
 * The named backend, or the first that serves every model of the input: at one of its servers, where there are several. Throws a
 * `NoEngineError` where none does.
 */
export async function chooseBackend(
  backends: readonly BackendDefinition[],
  asked: string,
  models: readonly string[],
  places: EngineConnections,
): Promise<BackendChoice> {
  if (asked !== 'auto') return { definition: findBackend(backends, asked), reason: 'as asked for' };
  const [model] = models;
  if (model === undefined) return { definition: backends[0]!, reason: 'the input has no request' };
  const reasons: string[] = [];
  let isAnyAway = false;
  for (const definition of candidatesOf(backends, places)) {
    const served = await servesAll(definition, models, places);
    if (served === true) return { definition, reason: `it serves ${models.join(', ')}` };
    isAnyAway ||= isAway(served);
    if (served !== false) reasons.push(`${definition.name} ${isAway(served) ? served.away : served}`);
  }
  const [names, of] = [models.map((name) => JSON.stringify(name)).join(', '), models.length === 1 ? '' : 's'];
  const doctor = ['llmbatch', 'doctor', '-m', model, ...serverWords(backends, places.connections)];
  throw new NoEngineError(
    [`no engine here serves the model${of} ${names}`, ...reasons].join('\n'),
    `See which engines are here, and how to get one, with: ${commandLine(doctor)}`,
    isAnyAway,
  );
}

/** Every engine that serves a model, in the order of the registry, and why each other one does not. */
export async function searchEngines(
  backends: readonly BackendDefinition[],
  model: string,
  places: EngineConnections,
): Promise<{ serving: string[]; reasons: string[] }> {
  const found: { serving: string[]; reasons: string[] } = { serving: [], reasons: [] };
  for (const definition of candidatesOf(backends, places)) {
    const served = await servesModelSomewhere(definition, model, places);
    if (served === true) found.serving.push(definition.name);
    else if (served !== false) found.reasons.push(`${definition.name} ${isAway(served) ? served.away : served}`);
  }
  return found;
}

/** Who names servers or a cluster wants these, and no engine beside them that may have the model too. */
function candidatesOf(
  backends: readonly BackendDefinition[],
  { connections }: EngineConnections,
): readonly BackendDefinition[] {
  const named = backends.filter((definition) => connections.some((each) => namesPlaceOf(definition, each)));
  return named.length === 0 ? backends : named;
}

/** True, or why the engine does not serve the first model that it does not serve; false where it says no reason. */
async function servesAll(
  definition: BackendDefinition,
  models: readonly string[],
  places: EngineConnections,
): Promise<Served> {
  for (const model of models) {
    const served = await servesModelSomewhere(definition, model, places);
    if (served === true) continue;
    return typeof served === 'string' && models.length > 1 ? `${served} (${model})` : served;
  }
  return true;
}

async function servesModelSomewhere(
  definition: BackendDefinition,
  model: string,
  { connections, environment }: EngineConnections,
): Promise<Served> {
  const answers: Served[] = [];
  for (const address of addressesOf(definition, connections, environment)) {
    const served = await definition.serves(model, address);
    if (served === true) return true;
    answers.push(served);
  }
  // One that is away may have the model, whatever the others say.
  return answers.find(isAway) ?? answers[0] ?? false;
}

const isAway = (served: Served): served is Exclude<Served, boolean | string> => typeof served === 'object';

export function findBackend(backends: readonly BackendDefinition[], name: string): BackendDefinition {
  const found = backends.find((definition) => definition.name === name);
  if (found !== undefined) return found;
  const near = nearest(
    name,
    backends.map((definition) => definition.name),
  );
  throw new UsageError(
    `no backend is called "${name}"`,
    near === null ? `There are: ${namesOf(backends)}.` : `Did you mean ${near}?`,
  );
}

/** Checks what was given of the backends' connection flags. It is kept in files: what may hold a secret is refused. */
export function checkConnections(backends: readonly BackendDefinition[], connections: readonly Connection[]): void {
  for (const { connection: flags = {} } of backends) {
    for (const [name, { parse }] of Object.entries(flags)) {
      for (const { [name]: value } of connections) if (value !== undefined) parse(value);
    }
  }
}

/** Refuses `--chat-template` where the engine does not write the prompts itself. */
export function checkChatTemplate(
  { name, chatTemplate }: BackendDefinition,
  settings: Pick<AnswerSettings, 'chatTemplate'>,
): void {
  if (settings.chatTemplate === null || chatTemplate === true) return;
  throw new UsageError(`${name} can't honour --chat-template`, chatTemplate ?? 'Remove --chat-template.');
}

/** Checks `--option` before anything is opened. */
export async function checkOptions(definition: BackendDefinition, options: Record<string, unknown>): Promise<void> {
  const schema = await definition.optionsSchema();
  const unknown = Object.keys(options).find((key) => !(key in definition.optionsHelp));
  if (unknown !== undefined && definition.hasOpenOptions !== true) {
    const known = Object.keys(definition.optionsHelp);
    const near = nearest(unknown, known);
    const all = known.length === 0 ? 'It has none: leave --option out.' : `It has: ${known.join(', ')}.`;
    const hint = near === null ? all : `Did you mean ${near}?`;
    throw new UsageError(`${definition.name} has no option "${unknown}"`, hint);
  }
  const checked = schema.safeParse(options);
  if (checked.success) return;
  const [issue] = checked.error.issues;
  if (issue === undefined) throw checked.error;
  const key = String(issue.path[0] ?? '');
  const help = definition.optionsHelp[key];
  throw new UsageError(
    `--option ${key} ${describeIssue(issue, options[key])}`,
    help === undefined ? undefined : `${key}: ${help}.`,
  );
}

const namesOf = (backends: readonly BackendDefinition[]): string => backends.map(({ name }) => name).join(', ');
