/** What makes a server work on more requests at once; null where it is not known. */
export function slotSetting(backend: string, slots: number): string | null {
  if (backend === 'ollama')
    return `OLLAMA_NUM_PARALLEL=${slots} where the server is started, at the cost of a context window each in memory`;
  if (backend === 'vllm') return `--option max_num_seqs=${slots}, where the memory allows`;
  if (backend === 'openai')
    return `the server's own setting (llama-server: --parallel ${slots}; vllm serve: --max-num-seqs ${slots})`;
  return backend === 'mock' ? `--option slots=${slots}` : null;
}
