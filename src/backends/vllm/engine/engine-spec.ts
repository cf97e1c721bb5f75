import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenRequest } from '../../../core/backend.ts';
import { type WorkerChannel, type WorkerSpec, isAbsent } from '../../subprocess/protocol.ts';
import { startChild } from '../../subprocess/start-child.ts';
import { templateTrials } from '../../request/template-facts.ts';
import { explainEnd } from './explain-end.ts';
import { oldestVllm } from '../find-python.ts';
import { createLoadProgress } from './load-progress.ts';
import type { VllmInfo, VllmSettings } from '../settings.ts';

interface EngineParts extends Pick<WorkerSpec, 'onStats' | 'notStarted'> {
  options: Record<string, unknown>;
  /** Starts a worker that hands on each line that it prints. */
  connect: (onLog: (line: string) => void) => WorkerChannel;
}

/** The folder of the Python programs. */
export const pythonFolder = fileURLToPath(new URL('../../../../src/backends/vllm/python', import.meta.url));

/** Variables that every worker has. */
export const workerEnvironment = {
  // Its log is for stderr, and no process of it may hold our pipes by a fork.
  VLLM_LOGGING_STREAM: 'ext://sys.stderr',
  VLLM_WORKER_MULTIPROC_METHOD: 'spawn',
  VLLM_NO_USAGE_STATS: '1',
  DO_NOT_TRACK: '1',
  TOKENIZERS_PARALLELISM: 'false',
  NO_COLOR: '1',
  PYTHONUNBUFFERED: '1',
  PYTHONIOENCODING: 'utf-8',
};

/** Describes one engine. */
export function engineSpec(request: OpenRequest, { options, connect, onStats, notStarted }: EngineParts): WorkerSpec {
  const { data_parallel_size: _engines, ...others } = options;
  const { own, engine } = splitOptions(others);
  const sequences = { most: null as number | null };
  let onLog = createLoadProgress(request);
  const settings = (): VllmSettings => {
    onLog = createLoadProgress(request);
    return {
      model: request.model,
      options: engine,
      own,
      maxNumSeqs: sequences.most,
      chatTemplate: request.chatTemplate,
      allowControlTokens: request.allowControlTokens,
      allowRepetition: request.allowRepetition,
      trials: templateTrials,
    };
  };
  return {
    name: 'vllm',
    connect: () => connect((line) => onLog(line)),
    settings,
    hasLogFile: request.logFile !== null,
    ...(onStats && { onStats }),
    ...(notStarted && { notStarted }),
    explainEnd(log, ready) {
      const reason = explainEnd(log, ready !== null);
      if (reason?.kind === 'out-of-memory' && ready !== null) halve(sequences, ready as VllmInfo);
      return reason;
    },
  };
}

/** Describes how one engine is started as a process of this machine; `gpus` are those that it may see, null: all. */
export function localEngine(
  request: OpenRequest,
  { command, gpus, ...parts }: Pick<EngineParts, 'options' | 'onStats'> & { command: string; gpus: string | null },
): WorkerSpec {
  const environment = {
    ...request.environment,
    ...workerEnvironment,
    LLMBATCH_RUNNER_PID: String(process.pid),
    ...(gpus === null ? {} : { CUDA_VISIBLE_DEVICES: gpus }),
  };
  return engineSpec(request, {
    ...parts,
    connect: (onLog) =>
      startChild({
        file: command,
        arguments: [join(pythonFolder, 'worker.py')],
        environment,
        answersOnStdout: true,
        leadsGroup: true,
        logFile: request.logFile,
        onLog,
      }),
    notStarted: (how) => ({ kind: 'unusable', message: notStarted(command, how), hint: install }),
  });
}

const notStarted = (command: string, how: string): string =>
  how === isAbsent ? `There is no Python ${command}.` : `${command} could not be started as a Python: it ${how}.`;

const install = `python3 -m venv vllm && vllm/bin/pip install 'vllm>=${oldestVllm}', then --python vllm/bin/python (or LLMBATCH_PYTHON)`;

/** Halves the sequences of an engine that ran out of memory, before it is started again. */
function halve(sequences: { most: number | null }, { maxNumSeqs }: VllmInfo): void {
  sequences.most = Math.max(1, Math.floor((sequences.most ?? maxNumSeqs) / 2));
}

const ownNames = new Set(['chat_template', 'lora_modules', 'tool_call_parser']);

function splitOptions(options: Record<string, unknown>): { own: VllmSettings['own']; engine: Record<string, unknown> } {
  const entries = Object.entries(options);
  return {
    own: Object.fromEntries(entries.filter(([name]) => ownNames.has(name))) as VllmSettings['own'],
    engine: Object.fromEntries(entries.filter(([name]) => !ownNames.has(name))),
  };
}
