import type { BackendDefinition } from '../../core/backend.ts';
import type { BackendAddress } from '../../core/connection.ts';
import { diagnose, exitCodeOf, renderDiagnosisJson } from '../../doctor/diagnose.ts';
import { examineSystem } from '../../doctor/examine-system.ts';
import { renderDiagnosis } from '../../doctor/render-diagnosis.ts';
import { commandLine } from '../../text/command-line.ts';
import { checkOptions } from '../../run/choose/choose-backend.ts';
import { askedConnections } from '../shared/connection-flags.ts';
import type { OptionValues } from '../shared/parse-values.ts';
import { columnsOfStdout, printJson, printText, tell } from '../shared/print.ts';

/** The flags of `llmbatch doctor`, beside the connection flags of the backends. */
export interface DoctorFlags {
  model?: string;
  probe: boolean;
  option: OptionValues;
  json: boolean;
}

/** `llmbatch doctor`. Returns the exit code. */
export async function runDoctor(flags: DoctorFlags, backends: readonly BackendDefinition[]): Promise<number> {
  const { model, probe, option, json } = flags;
  await checkProbeOptions(flags, backends);
  const [connection = {}] = askedConnections(flags, backends);
  const address = { connection, environment: process.env };
  const serving = model === undefined ? [] : await backendsOf(model, backends, address);
  const isElsewhere = serving.length > 0 && serving.every(({ doctor }) => doctor?.probe === undefined);
  const system = await examineSystem(backends, {
    ...address,
    // An engine without the model is not to blame where another one serves it.
    model: isElsewhere ? null : (model ?? null),
    options: option,
    wantsProbe: probe,
    onNotice: tell,
  });
  const diagnosis = diagnose({ ...system, asked: { ...system.asked, model: model ?? null } });
  const text = (): string => `${renderDiagnosis(diagnosis, columnsOfStdout())}${verdictOf(serving, model)}`;
  await (json ? printJson(renderDiagnosisJson(diagnosis)) : printText(text()));
  return exitCodeOf(diagnosis);
}

async function checkProbeOptions({ option }: DoctorFlags, backends: readonly BackendDefinition[]): Promise<void> {
  for (const definition of backends) {
    if (definition.doctor?.probe !== undefined) await checkOptions(definition, option);
  }
}

/** The engines that serve a model. Throws a `UsageError` for the name of a file that is not there. */
async function backendsOf(
  model: string,
  backends: readonly BackendDefinition[],
  address: BackendAddress,
): Promise<BackendDefinition[]> {
  const serving: BackendDefinition[] = [];
  for (const definition of backends) {
    if (definition.isSimulated !== true && (await definition.serves(model, address)) === true) serving.push(definition);
  }
  return serving;
}

function verdictOf(serving: readonly BackendDefinition[], model = ''): string {
  if (serving.length === 0) return '';
  const command = commandLine(['llmbatch', 'run', 'mine.jsonl', '-m', model]);
  return `\nReady: ${serving.map(({ name }) => name).join(', ')}. Try: ${command}\n`;
}
