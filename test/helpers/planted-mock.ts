import { sleep } from '../../src/async/sleep.ts';
import { mockBackend } from '../../src/backends/mock/index.ts';
import type { Backend, BackendDefinition, GenerateContext } from '../../src/core/backend.ts';
import type { Answer } from '../../src/core/completion.ts';
import type { ModelMemory } from '../../src/core/measurements.ts';
import type { BatchRequest } from '../../src/core/request.ts';

/** What makes an engine slower, planted into the mock. Unlike its own options, it looks at the requests before. */
export interface PlantedCauses {
  /** Share by which 1,000 answers make the next ones slower. */
  slowdown?: number;
  /** Share by which each other request in flight makes an answer slower. */
  contention?: number;
  /** Tokens by which each prompt is longer than the one before it. */
  promptGrowth?: number;
  /** Milliseconds that each answer keeps the CPU of llmbatch itself busy. */
  busyMs?: number;
  /** Memory that the model is said to take. */
  memory?: ModelMemory;
}

/** The mock engine with causes planted in it. */
export const plantedMock = (causes: PlantedCauses): BackendDefinition => ({
  ...mockBackend,
  async open(request) {
    const backend = await mockBackend.open(request);
    const generate = plantedGenerate(backend, causes, request.options);
    return { ...backend, generate, inspection: { memory: async () => causes.memory ?? null } };
  },
});

function plantedGenerate(
  backend: Backend,
  { slowdown = 0, contention = 0, promptGrowth = 0, busyMs = 0 }: PlantedCauses,
  { latency_ms: latencyMs = 0, prompt_tokens_per_second: promptSpeed = Infinity }: Record<string, unknown>,
): Backend['generate'] {
  const seen = { answered: 0, inFlight: 0 };
  const generate = async (request: BatchRequest, context: GenerateContext): Promise<Answer> => {
    const growth = promptGrowth * seen.answered;
    const slowness = (1 + (slowdown * seen.answered) / 1000) * (1 + contention * (seen.inFlight - 1));
    const moreMs = Number(latencyMs) * (slowness - 1) + (growth / Number(promptSpeed)) * 1000;
    if (moreMs > 0) await sleep(moreMs, context.signal);
    const answer = await backend.generate(request, context);
    if (busyMs > 0) keepBusy(busyMs);
    seen.answered++;
    return growth > 0 ? longerBy(growth, answer) : answer;
  };
  return async (request, context) => {
    seen.inFlight++;
    try {
      return await generate(request, context);
    } finally {
      seen.inFlight--;
    }
  };
}

function longerBy(tokens: number, answer: Answer): Answer {
  if (answer.status !== 'completed' || answer.body.usage === undefined) return answer;
  const { usage } = answer.body;
  const longer = {
    ...usage,
    prompt_tokens: usage.prompt_tokens + tokens,
    total_tokens: usage.total_tokens + tokens,
  };
  return { ...answer, body: { ...answer.body, usage: longer } };
}

/** Keeps this process busy, as an engine in it would. */
function keepBusy(durationMs: number): void {
  const endsAt = performance.now() + durationMs;
  while (performance.now() < endsAt);
}
