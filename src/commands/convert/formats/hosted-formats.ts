import { anthropicFormat } from './anthropic.ts';
import type { HostedFormat } from './format.ts';
import { geminiFormat } from './gemini.ts';
import { mistralFormat } from './mistral.ts';
import { openaiFormat } from './openai.ts';

/** The services, by the names that `--to` takes. */
export const hostedFormats = {
  openai: openaiFormat,
  anthropic: anthropicFormat,
  gemini: geminiFormat,
  mistral: mistralFormat,
} as const satisfies Record<string, HostedFormat>;

export type HostedName = keyof typeof hostedFormats;
