import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection } from '../../core/connection.ts';
import { exitCodes } from '../../core/errors.ts';
import { diagnose, exitCodeOf, renderDiagnosisJson } from '../../doctor/diagnose.ts';
import { type AskedPlace, examineSystem } from '../../doctor/examine-system.ts';
import { renderDiagnosis } from '../../doctor/render-diagnosis.ts';
import { commandLine } from '../../text/command-line.ts';
import { checkOptions } from '../../run/choose/choose-backend.ts';
import { addressesOf } from '../../run/choose/server-addresses.ts';
import { namesOfSeveral } from '../../run/choose/server-names.ts';
import { askedConnections } from '../shared/connection/asked-connections.ts';
import { clusterFlags, longFlag, serverFlags } from '../shared/connection/flags.ts';
import type { OptionValues } from '../shared/parse-values.ts';
import { columnsOfStdout, printJson, printText, tell } from '../shared/print.ts';

/** The flags of `llmbatch doctor`, beside the connection flags of the backends. */
export interface DoctorFlags {
  servers?: string;
  model?: string;
  probe: boolean;
  option: OptionValues;
  json: boolean;
}

/** `llmbatch doctor`. Returns the exit code. */
export async function runDoctor(flags: DoctorFlags, backends: readonly BackendDefinition[]): Promise<number> {
  const { model, probe, option, json } = flags;
  await checkProbeOptions(flags, backends);
  const connections = await askedConnections(flags, backends);
  const placesOf = (definition: BackendDefinition): AskedPlace[] => placesFor(definition, connections);
  const serving = model === undefined ? [] : await backendsOf(model, backends, placesOf);
  const system = await examineSystem(backends, {
    asked: { ...askedServers(connections, backends), model: model ?? null },
    environment: process.env,
    placesOf,
    // An engine without the model is not to blame where another one serves it.
    modelFor: (name) => (serving.length > 0 && !serving.some((one) => one.name === name) ? null : (model ?? null)),
    options: option,
    wantsProbe: probe,
    onNotice: tell,
  });
  const diagnosis = diagnose(system);
  const exitCode = exitCodeOf(diagnosis);
  const verdict = exitCode === exitCodes.ok ? verdictOf(serving, flags, backends) : '';
  const text = (): string => `${renderDiagnosis(diagnosis, columnsOfStdout())}${verdict}`;
  await (json ? printJson(renderDiagnosisJson(diagnosis)) : printText(text()));
  return exitCode;
}

async function checkProbeOptions({ option }: DoctorFlags, backends: readonly BackendDefinition[]): Promise<void> {
  for (const definition of backends) {
    if (definition.doctor?.probe !== undefined) await checkOptions(definition, option);
  }
}

function placesFor(definition: BackendDefinition, connections: readonly Connection[]): AskedPlace[] {
  const names = namesOfSeveral(definition, connections);
  return addressesOf(definition, connections, process.env).map((address, index) => ({
    address,
    name: names[index] ?? null,
  }));
}

/** What each flag that names a server or a cluster was given: null for nothing, a list where there were several. */
function askedServers(
  connections: readonly Connection[],
  backends: readonly BackendDefinition[],
): Record<string, unknown> {
  const asked = [...serverFlags(backends), ...clusterFlags(backends)].map(({ name }) => {
    const given = connections.flatMap(({ [name]: value }) => (value === undefined ? [] : [value]));
    return [name, given.length > 1 ? given : (given[0] ?? null)] as const;
  });
  return Object.fromEntries(asked);
}

/** The engines that serve a model, at one of their servers. Throws a `UsageError` for the name of a file that is not there. */
async function backendsOf(
  model: string,
  backends: readonly BackendDefinition[],
  placesOf: (definition: BackendDefinition) => AskedPlace[],
): Promise<BackendDefinition[]> {
  const serving: BackendDefinition[] = [];
  for (const definition of backends) {
    if (definition.isSimulated === true) continue;
    const answers = await Promise.all(
      placesOf(definition).map(async ({ address }) => definition.serves(model, address)),
    );
    if (answers.includes(true)) serving.push(definition);
  }
  return serving;
}

function verdictOf(
  serving: readonly BackendDefinition[],
  { model = '', ...flags }: DoctorFlags,
  backends: readonly BackendDefinition[],
): string {
  if (serving.length === 0) return '';
  const given: Record<string, unknown> = { ...flags };
  const servers = serverFlags(backends).flatMap((flag) =>
    [given[flag.name] ?? []].flat().flatMap((value) => (typeof value === 'string' ? [longFlag(flag), value] : [])),
  );
  const file = flags.servers === undefined ? [] : ['--servers', flags.servers];
  const command = commandLine(['llmbatch', 'run', 'mine.jsonl', '-m', model, ...servers, ...file]);
  return `\nReady: ${serving.map(({ name }) => name).join(', ')}. Try: ${command}\n`;
}
