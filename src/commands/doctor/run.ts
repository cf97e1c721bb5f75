import type { BackendDefinition } from '../../core/backend.ts';
import { diagnose, exitCodeOf, renderDiagnosisJson } from '../../doctor/diagnose.ts';
import { examineSystem } from '../../doctor/examine-system.ts';
import { renderDiagnosis } from '../../doctor/render-diagnosis.ts';
import { checkOptions } from '../../run/choose/choose-backend.ts';
import { givenConnection } from '../shared/connection-flags.ts';
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
  for (const definition of backends) {
    if (definition.doctor?.probe !== undefined) await checkOptions(definition, option);
  }
  const system = await examineSystem(backends, {
    connection: givenConnection(flags, backends),
    model: model ?? null,
    environment: process.env,
    options: option,
    wantsProbe: probe,
    onNotice: tell,
  });
  const diagnosis = diagnose(system);
  await (json ? printJson(renderDiagnosisJson(diagnosis)) : printText(renderDiagnosis(diagnosis, columnsOfStdout())));
  return exitCodeOf(diagnosis);
}
