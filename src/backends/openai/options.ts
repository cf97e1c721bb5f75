export const openaiOptionsHelp: Record<string, string> = {
  stream:
    'true, false or auto: receive answers as streams, which shows that the server is alive and when the first token came, but slows down a fast server (default: auto, all answers while tokens come slowly, otherwise a few of many; all with --timeout)',
};

/** Checks `--option key=value`. */
export async function openaiOptionsSchema() {
  const { z } = await import('zod');
  return z.strictObject({ stream: z.union([z.boolean(), z.literal('auto'), z.stringbool()]).default('auto') });
}
