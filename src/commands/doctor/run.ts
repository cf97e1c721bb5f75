import { ollamaBackend } from '../../backends/ollama/index.ts';
import { ollamaOptionsSchema } from '../../backends/ollama/options.ts';
import { UsageError } from '../../core/errors.ts';
import { diagnose, exitCodeOf, renderJson } from '../../doctor/diagnose.ts';
import { renderText } from '../../doctor/render-text.ts';
import { checkOptions } from '../../run/choose/choose-backend.ts';
import type { OptionValues } from '../shared/parse-values.ts';
import { printJson, printText, tell } from '../shared/print.ts';

export interface DoctorFlags {
  host?: string;
  model?: string;
  probe: boolean;
  option: OptionValues;
  json: boolean;
}

/** `llmbatch doctor`. Returns the exit code. */
export async function runDoctor({ host, model, probe, option, json }: DoctorFlags): Promise<number> {
  await checkOptions(ollamaBackend, option);
  if ('slots' in option) throw new UsageError('--option slots is what doctor finds out', 'Leave it away.');
  const options = (await ollamaOptionsSchema()).parse(option);
  const diagnosis = await diagnose({
    host: host ?? null,
    model: model ?? null,
    environment: process.env,
    options: { ...options, isKeepAliveGiven: 'keep_alive' in option },
    wantsProbe: probe,
    onNotice: tell,
  });
  await (json ? printJson(renderJson(diagnosis)) : printText(renderText(diagnosis)));
  return exitCodeOf(diagnosis);
}
