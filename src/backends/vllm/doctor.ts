import { givenText } from '../../core/connection.ts';
import type { EngineReport, ExaminedEngine, ExamineRequest, ReportRow } from '../../core/doctor/examination.ts';
import { type Finding, finding } from '../../core/doctor/finding.ts';
import { EngineError, LlmbatchError, messageOf } from '../../core/errors.ts';
import { isBefore } from '../../text/versions.ts';
import { type PythonSearch, findPython, oldestVllm, pythonCommand } from './find-python.ts';
import { type RayCluster, describeCluster, noGpuHint, openRayDriver } from './ray/ray-driver.ts';

/** A Ray cluster that was asked for, as it was found. */
interface ClusterSearch {
  /** `auto`, or `host:port`. */
  address: string;
  /** What asks for it. */
  namedBy: '--ray' | 'RAY_ADDRESS';
  cluster: RayCluster | null;
  failure: LlmbatchError | null;
}

/** Looks for a Python with vLLM, without importing it, and for a Ray cluster where one is named. */
export async function examineVllm(request: ExamineRequest): Promise<ExaminedEngine> {
  const [python, ray] = await Promise.all([
    findPython({ connection: {}, environment: request.environment }),
    findCluster(request),
  ]);
  return examinedPython(python, ray);
}

async function findCluster({ connection, environment }: ExamineRequest): Promise<ClusterSearch | null> {
  const named = givenText(connection, 'ray');
  if (named === null && !environment['RAY_ADDRESS']) return null;
  const place = { address: named ?? 'auto', namedBy: named === null ? 'RAY_ADDRESS' : '--ray' } as const;
  const { command } = pythonCommand({ connection, environment });
  try {
    const signal = AbortSignal.timeout(maxSearchMs);
    const driver = await openRayDriver({ ...place, command, environment, logFile: null, onRestart: () => {} }, signal);
    await driver.close();
    return { ...place, cluster: driver.cluster, failure: null };
  } catch (error) {
    if (error instanceof LlmbatchError) return { ...place, cluster: null, failure: error };
    return { ...place, cluster: null, failure: new EngineError('unusable', `There is no answer: ${messageOf(error)}`) };
  }
}

const maxSearchMs = 60_000;

/** Describes the Python that was found, its vLLM, and the cluster. */
export function examinedPython(python: PythonSearch, ray: ClusterSearch | null = null): ExaminedEngine {
  const hasVllm = python.vllmVersion !== null && !isBefore(python.vllmVersion, oldestVllm);
  const cluster = ray?.cluster ?? null;
  return {
    isUsable: hasVllm || cluster !== null,
    serverUrl: null,
    json: { python, ray: cluster },
    report: (): EngineReport => ({
      rows: [['vllm', rowText(python)], ...(ray === null ? [] : [clusterRow(ray)])],
      findings: [...pythonFindings(python), ...(ray === null ? [] : clusterFindings(ray))],
      howToSet: [],
    }),
  };
}

const clusterRow = ({ address, cluster, failure }: ClusterSearch): ReportRow => [
  'ray',
  cluster === null ? `no cluster at ${address}: ${failure?.message}` : `${describeCluster(cluster)} (${address})`,
];

function clusterFindings({ namedBy, failure, cluster }: ClusterSearch): Finding[] {
  if (failure !== null)
    return [finding(namedBy === '--ray' ? 'error' : 'warning', 'ray-cluster', failure.message, failure.hint ?? '')];
  if (cluster?.nodeGpus.some((count) => count > 0) === true) return [];
  return [finding('warning', 'ray-gpus', 'no node of the Ray cluster has a GPU', noGpuHint)];
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
