/** What was made in so many seconds tells together what a prompt costs. */
const blockSeconds = 5;

/** Learns how much longer answers would be for the time that a prompt token takes. */
export interface PromptCost {
  /** Takes the tokens of prompts and of answers that were made in these seconds. */
  add(seconds: number, prompt: number, generated: number): void;
  /** 0 where prompts are not told or cost nothing. */
  read(): number;
}

/**
 * Least squares of the time over the prompt tokens and the answers' tokens that it took. Most engines tell of a prompt only when they
 * have computed it all: the time before belongs to it.
 */
export function createPromptCost(): PromptCost {
  let [pp, pg, gg, pt, gt] = [0, 0, 0, 0, 0];
  let open = { seconds: 0, prompt: 0, generated: 0 };
  return {
    add(seconds, prompt, generated) {
      open.seconds += seconds;
      open.prompt += prompt;
      open.generated += generated;
      if (open.seconds < blockSeconds) return;
      pp += open.prompt * open.prompt;
      pg += open.prompt * open.generated;
      gg += open.generated * open.generated;
      pt += open.prompt * open.seconds;
      gt += open.generated * open.seconds;
      open = { seconds: 0, prompt: 0, generated: 0 };
    },
    read() {
      const ofPrompt = pt * gg - gt * pg;
      const ofAnswer = gt * pp - pt * pg;
      return ofPrompt > 0 && ofAnswer > 0 ? Math.min(ofPrompt / ofAnswer, 100) : 0;
    },
  };
}
