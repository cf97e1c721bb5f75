import { formatInteger } from '../../../text/format.ts';

/** Failures that say the same, or one mistake for which a whole batch was refused. */
export interface ShownFailure {
  what: string;
  message: string;
  /** Where it happened: ids, or a line. */
  where: string;
}

/** What is read of an error file to tell its kinds: some hundred lines, in characters. */
const maxLength = 65_536;
/** Ids of a kind that are shown, as many as a run tells. */
const maxIds = 5;

/** The line of a request without an answer, as the Batch API has it. */
interface ErrorLine {
  custom_id: string;
  response: { body?: { error?: ErrorBody } | null } | null;
  error: ErrorBody | null;
}

interface ErrorBody {
  code?: string | null;
  message?: string | null;
}

/** Reads the beginning of an error file, and tells its failures by their kinds, with the message of the first of each. */
export async function readErrorFile(path: string): Promise<ShownFailure[]> {
  const { text, isCut } = await readStart(path);
  const lines = text.slice(0, text.lastIndexOf('\n')).split('\n');
  const kinds = new Map<string, { count: number; message: string; ids: string[] }>();
  for (const line of lines) {
    const { id, code, message } = readError(JSON.parse(line) as ErrorLine);
    const kind = kinds.get(code) ?? { count: 0, message, ids: [] };
    kinds.set(code, kind);
    kind.count++;
    if (kind.ids.length < maxIds) kind.ids.push(id);
  }
  const failures = [...kinds].map(([kind, { count, message, ids }]) => shownFailure(kind, count, { message, ids }));
  return isCut ? [...failures, { what: '', message: 'and more in the error file', where: '' }] : failures;
}

function readError({ custom_id: id, response, error }: ErrorLine): { id: string; code: string; message: string } {
  const { code, message } = error ?? response?.body?.error ?? {};
  return { id, code: code ?? 'error', message: message ?? '' };
}

/** So many failures of a kind, with the ids of the first of them. */
export const shownFailure = (
  kind: string,
  count: number,
  { message, ids }: { message: string; ids: string[] },
): ShownFailure => ({
  what: `${formatInteger(count)} × ${kind}`,
  message,
  where: `${ids.join(', ')}${count > ids.length ? ', …' : ''}`,
});

async function readStart(path: string): Promise<{ text: string; isCut: boolean }> {
  const { body, ok, status } = await fetch(path);
  if (!ok || body === null) throw new Error(`the server answered ${status}`);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (text.length < maxLength) {
    const { value, done } = await reader.read();
    if (done) return { text, isCut: false };
    text += value;
  }
  await reader.cancel();
  return { text, isCut: true };
}
