export const openaiOptionsHelp: Record<string, string> = {
  stream:
    'true, false or auto: take answers as they grow, which shows that the server lives and when the first token came, and costs a fast server much (default: auto, all while they come slowly, else some of many; all with --timeout)',
};

/** Checks `--option key=value`. */
export async function openaiOptionsSchema() {
  const { z } = await import('zod');
  return z.strictObject({ stream: z.union([z.boolean(), z.literal('auto'), z.stringbool()]).default('auto') });
}
