import type { EndReason } from '../../subprocess/protocol.ts';
import { formatInteger } from '../../../text/format.ts';

/**
 * Why an engine of vLLM's ended, by the last lines of its log: the root cause is only there, in the words of the process
 * that died first, and what comes after it are its consequences. Null where nothing is known: it crashed. Of a model that
 * was loaded only a lack of memory is told, since the other texts may be left from the start.
 */
export function explainEnd(log: readonly string[], wasReady: boolean): EndReason | null {
  const text = log.join('\n');
  for (const [pattern, explain] of wasReady ? [outOfMemory] : causes) {
    const found = pattern.exec(text);
    if (found !== null) return explain(found);
  }
  return null;
}

const memory =
  'close other programs that use GPU memory, lower --option gpu_memory_utilization, or use a smaller or quantised model';

type Cause = readonly [pattern: RegExp, explain: (found: RegExpExecArray) => EndReason];

const outOfMemory: Cause = [
  /torch\.OutOfMemoryError|(?:CUDA|HIP|XPU) out of memory|OutOfMemoryError:|^MemoryError|DefaultCPUAllocator: can't allocate/m,
  () => ({
    kind: 'out-of-memory',
    message: 'The engine ran out of memory.',
    hint: `Set a smaller --option max_num_seqs, or ${memory}.`,
  }),
];

/** The texts of vLLM 0.11 to 0.32, the most telling first. */
const causes: readonly Cause[] = [
  [
    /max(?:imum)? seq(?:uence)? len(?:gth)?s? \((\d+)\)[^]*?([\d.]+) GiB KV cache is needed(?:[^]*?estimated maximum model length is (\d+))?/,
    ([, asked, , fits]) => ({
      kind: 'unusable',
      message: `The KV cache is too small for one request of ${formatInteger(Number(asked))} tokens.`,
      hint:
        fits === undefined || Number(fits) === 0
          ? `Set a smaller --option max_model_len; or ${memory}.`
          : `--option max_model_len=${fits} is the largest that fits; or ${memory}.`,
    }),
  ],
  [
    /Free memory on device [^(\n]*\(([\d.]+)\/([\d.]+) GiB\) on startup is less than/,
    ([, free, total]) => ({
      kind: 'unusable',
      message: `Only ${free} of ${total} GiB of the GPU's memory are free: another process uses the rest.`,
      hint: 'See which with nvidia-smi (an engine that an earlier run left is called VLLM::EngineCore), or lower --option gpu_memory_utilization.',
    }),
  ],
  [
    /Available memory on node \S+ \(?([\d.]+)\/([\d.]+) GiB\)?/,
    ([, free, total]) => ({
      kind: 'unusable',
      message: `Only ${free} of ${total} GiB of the machine's memory are free: vLLM needs more for its KV cache on a CPU.`,
      hint: 'VLLM_CPU_KVCACHE_SPACE=1 (GiB) in the environment makes the cache smaller.',
    }),
  ],
  [
    /No available memory for the cache blocks/,
    () => ({
      kind: 'unusable',
      message: "The model's weights leave no memory for the KV cache.",
      hint: 'Raise --option gpu_memory_utilization, use a smaller or quantised model, or more GPUs with --option tensor_parallel_size.',
    }),
  ],
  outOfMemory,
  [
    /(?:gated repo|awaiting a review|401 Client Error|is restricted|GatedRepoError)/i,
    () => ({
      kind: 'unauthorized',
      message: 'Hugging Face does not hand the model out without a token of somebody who accepted its licence.',
      hint: 'Accept the licence on the page of the model, then set HF_TOKEN, or log in with: hf auth login.',
    }),
  ],
  [
    /(?:Repository Not Found|RepositoryNotFoundError|is not a local folder and is not a valid model identifier|Invalid repository ID or local directory|HFValidationError|does not appear to have a file named config\.json|Can't load the configuration|No such file or directory: '[^']*config\.json)/i,
    () => ({
      kind: 'model-not-found',
      message: 'There is no such model, neither as a folder nor on Hugging Face.',
      hint: 'Use the folder with its config.json, or its id on Hugging Face, such as owner/name.',
    }),
  ],
  [
    /(?:LocalEntryNotFoundError|OfflineModeIsEnabled|couldn't connect to 'https?:\/\/huggingface|Max retries exceeded with url|Failed to resolve '[^']*huggingface)/,
    () => ({
      kind: 'model-not-found',
      message: 'The model is not on this machine, and Hugging Face can not be reached.',
      hint: 'Download it on a machine with network access (hf download owner/name), or use its folder.',
    }),
  ],
  [
    /(?:argument|setting)\s`?trust_remote_code=True|execution of custom code/,
    () => ({
      kind: 'unusable',
      message: 'The model comes with code of its own, which vLLM does not run unasked.',
      hint: 'Read that code; if you trust it: --option trust_remote_code=true.',
    }),
  ],
  [
    /User-specified max_model_len \((\d+)\) is greater than the derived max_model_len \([^=)]*=?(\d+)/,
    ([, asked, most]) => ({
      kind: 'unusable',
      message: `The model was trained on ${formatInteger(Number(most))} tokens, not on ${formatInteger(Number(asked))}.`,
      hint: `Take --option max_model_len=${most}, or leave it out.`,
    }),
  ],
  [
    /Model architectures \[([^\]]*)\] (?:are|is) not supported|does not recognize this architecture|has no vLLM implementation/,
    ([, names]) => ({
      kind: 'unusable',
      message: `This vLLM does not know the model's architecture${names === undefined ? '' : ` (${names.replaceAll("'", '')})`}.`,
      hint: 'A newer one may: pip install -U vllm.',
    }),
  ],
  [
    /(?:Illegal instruction|SIGILL|does not support AVX|requires AVX|Unsupported CPU|CPU dispatcher .* not supported)/i,
    () => ({
      kind: 'unusable',
      message: "This build of vLLM uses instructions that the machine's CPU does not have.",
      hint: 'Install a build for it: vLLM on a CPU needs at least AVX2.',
    }),
  ],
  [
    /(?:Bfloat16 is only supported on GPUs with compute capability|compute capability[^\n]*(?:at least|required))/,
    () => ({
      kind: 'unusable',
      message: 'The GPU is too old for the type of the weights.',
      hint: '--option dtype=float16',
    }),
  ],
  [
    /(?:Failed to infer device type|No CUDA GPUs are available|libcuda\.so|Found no NVIDIA driver)/,
    () => ({
      kind: 'unusable',
      message: 'vLLM finds no GPU.',
      hint: 'Look with nvidia-smi and at CUDA_VISIBLE_DEVICES; a vLLM for CPUs is another package.',
    }),
  ],
];
