import type { EngineReport, ExaminedEngine, ExamineRequest } from '../../core/doctor/examination.ts';
import { type Finding, finding } from '../../core/doctor/finding.ts';
import { isBefore } from '../../text/versions.ts';
import { type PythonSearch, findPython, oldestVllm } from './find-python.ts';

/** Looks for a Python with vLLM, without importing it. */
export async function examineVllm({ environment }: ExamineRequest): Promise<ExaminedEngine> {
  return examinedPython(await findPython({ connection: {}, environment }));
}

/** Describes the Python that was found, and its vLLM. */
export function examinedPython(python: PythonSearch): ExaminedEngine {
  return {
    isUsable: python.vllmVersion !== null && !isBefore(python.vllmVersion, oldestVllm),
    serverUrl: null,
    json: { python },
    report: (): EngineReport => ({
      rows: [['vllm', rowText(python)]],
      findings: pythonFindings(python),
      howToSet: [],
    }),
  };
}

function rowText({ command, version, vllmVersion, failure }: PythonSearch): string {
  if (version === null) return `no Python: ${command}: ${failure}`;
  const python = `${command} (${version})`;
  if (vllmVersion === null) return `no vLLM in ${python}: pip install vllm`;
  const note = isBefore(vllmVersion, oldestVllm) ? `, too old: ${oldestVllm} is needed` : '';
  return `vLLM ${vllmVersion} in ${python}${note}`;
}

function pythonFindings({ command, namedBy, failure, vllmVersion }: PythonSearch): Finding[] {
  if (failure !== null && namedBy !== 'PATH') {
    const text = `the Python that ${namedBy} names can't be run (${command}): ${failure}`;
    return [finding('warning', 'vllm-python', text, `${namedBy}: the path of a Python that has vLLM, or nothing`)];
  }
  if (vllmVersion === null || !isBefore(vllmVersion, oldestVllm)) return [];
  const text = `vLLM ${vllmVersion} is too old: ${oldestVllm} is the first that can be used`;
  return [finding('warning', 'vllm-version', text, `${command} -m pip install -U vllm`)];
}
