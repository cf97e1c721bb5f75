// What the vLLM campaigns have in common: a real vLLM, the model tiny-scorer, and the processes that they leave.
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';

/** On two cores one thread without binding is twice as fast as vLLM's default. */
const onCpu = {
  VLLM_CPU_KVCACHE_SPACE: '1',
  VLLM_CPU_OMP_THREADS_BIND: 'nobind',
  OMP_NUM_THREADS: '1',
  HF_HUB_OFFLINE: '1',
};

/** The engine's settings, the same for llmbatch and for what it is compared with. */
export const engineOptions = {
  dtype: 'float32',
  enforce_eager: true,
  max_model_len: 1024,
  max_num_seqs: 64,
  block_size: 32,
};

/** Flags of `llmbatch run`, and the engine's processes: [{pid, command}]. */
export function vllmEngine({ python, model }) {
  const mark = `LLMBATCH_CAMPAIGN=${randomUUID()}`;
  const [name, value] = mark.split('=');
  Object.assign(process.env, onCpu, { [name]: value });
  const options = Object.entries(engineOptions).flatMap(([option, given]) => ['--option', `${option}=${given}`]);
  // vLLM's own processes write their names over their environment, so they are known by the worker's group.
  const groups = new Set();
  return {
    flags: ['-b', 'vllm', '-m', model, '--python', python, ...options],
    processes() {
      const all = allProcesses();
      for (const { pid, command, environment } of all)
        if (command.includes('worker.py') && environment.includes(mark)) groups.add(pid);
      return all.filter(({ group }) => groups.has(group)).map(({ pid, command }) => ({ pid, command }));
    },
  };
}

function allProcesses() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({
      pid: Number(pid),
      command: read(pid, 'cmdline').replaceAll('\0', ' ').trim(),
      environment: read(pid, 'environ').split('\0'),
      group: Number(read(pid, 'stat').split(') ')[1]?.split(' ')[2]),
    }))
    .filter(({ command }) => command !== '');
}

function read(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Seconds until none is left, or null after `maxSeconds`. */
export async function secondsUntilGone(processes, maxSeconds = 10) {
  const startedAt = performance.now();
  for (;;) {
    const seconds = (performance.now() - startedAt) / 1000;
    if (processes().length === 0) return seconds;
    if (seconds > maxSeconds) return null;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
