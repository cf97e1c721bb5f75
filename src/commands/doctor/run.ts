import type { BackendDefinition } from '../../core/backend.ts';
import type { Connection } from '../../core/connection.ts';
import { diagnose, exitCodeOf, renderDiagnosisJson } from '../../doctor/diagnose.ts';
import { type AskedPlace, examineSystem } from '../../doctor/examine-system.ts';
import { renderDiagnosis } from '../../doctor/render-diagnosis.ts';
import { checkOptions, searchEngines } from '../../run/choose/choose-backend.ts';
import { addressesOf, namesPlaceOf } from '../../run/choose/server-addresses.ts';
import { namesOfSeveral } from '../../run/choose/server-names.ts';
import type { GivenFlag } from '../../text/command-line.ts';
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
  /** All that were typed, as they were, but for secrets. */
  given: readonly GivenFlag[];
}

/** `llmbatch doctor`. Returns the exit code. */
export async function runDoctor(flags: DoctorFlags, backends: readonly BackendDefinition[]): Promise<number> {
  const { model = null, probe, option, json } = flags;
  await checkProbeOptions(flags, backends);
  const connections = await askedConnections(flags, backends);
  const environment = process.env;
  const named = backends.filter((definition) => connections.some((each) => namesPlaceOf(definition, each)));
  const names = named.map(({ name }) => name);
  const search = model === null ? null : await searchEngines(backends, model, { connections, environment });
  const system = await examineSystem(backends, {
    asked: { ...askedServers(connections, backends), model },
    flags: repeatedFlags(flags, backends),
    named: names,
    search,
    environment,
    placesOf: (definition) => placesFor(definition, connections),
    // An engine without the model is not to blame where another one serves it, nor one whose server nobody named.
    modelFor: (name) => ((search?.serving.length ? search.serving : names).includes(name) ? model : null),
    options: option,
    wantsProbe: probe,
    onNotice: tell,
  });
  const diagnosis = diagnose(system);
  await (json ? printJson(renderDiagnosisJson(diagnosis)) : printText(renderDiagnosis(diagnosis, columnsOfStdout())));
  return exitCodeOf(diagnosis);
}

async function checkProbeOptions({ option }: DoctorFlags, backends: readonly BackendDefinition[]): Promise<void> {
  for (const definition of backends) {
    if (definition.doctor?.probe !== undefined) await checkOptions(definition, option);
  }
}

/** The words of the flags that a run needs too. */
function repeatedFlags(
  { given }: DoctorFlags,
  backends: readonly BackendDefinition[],
): { server: string[]; option: string[] } {
  const ofServers = [...[...serverFlags(backends), ...clusterFlags(backends)].map(longFlag), '--servers'];
  const wordsOf = (names: readonly string[]): string[] =>
    given.flatMap(({ name, words }) => (names.includes(name) ? words : []));
  return { server: wordsOf(ofServers), option: wordsOf(['--option']) };
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
