import { UsageError } from '../core/errors.ts';
import type { Notify } from '../core/events.ts';
import { type RejectedLine, placeOf } from '../core/request.ts';
import { validateCommand } from '../text/command-line.ts';
import { formatCounted, formatInteger } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { createMisspeltKeys, describeMisspelt } from '../input/misspelt-keys.ts';
import { type RunInput, readRequests } from './read-input.ts';
import type { RunRequest } from './run-request.ts';

/** Keeps why the first rejected line of an input is no request; empty where none was rejected. */
export function keepFirstRejection(): { onRejected: (rejected: RejectedLine) => void; text: () => string } {
  let first = '';
  return {
    onRejected: (rejected) => void (first ||= `${placeOf(rejected)}: ${printable(rejected.reason)}`),
    text: () => first,
  };
}

interface CheckedInput {
  request: Pick<RunRequest, 'input' | 'given' | 'runner'>;
  input: RunInput;
  notify: Notify;
  firstRejection: () => string;
}

/** Refuses an input without any request, and with `--strict` one with bad lines; tells of them else. */
export function checkInput({ request, input, notify, firstRejection }: CheckedInput): void {
  const { requests, rejected } = input.scan.counts;
  if (rejected === 0) return;
  const first = firstRejection();
  const hint = `See all of them with: ${validateCommand(request.input, request.given)}`;
  const all = formatCounted(input.scan.table.size, input.unit);
  const bad = `${formatInteger(rejected)} of ${all} ${rejected === 1 ? 'is not a valid request' : 'are not valid requests'}`;
  if (request.runner.strict) throw new UsageError(`${bad} (--strict): ${first}`, hint);
  if (requests === 0 && input.isComplete()) throw new UsageError(`no ${input.unit} is a valid request: ${first}`, hint);
  notify({
    topic: 'bad-lines',
    text: `${bad} and ${rejected === 1 ? 'becomes a failed result' : 'become failed results'} (${first})`,
  });
}

/** Rows that are looked at: those of one file have the same keys. */
const misspeltRows = 100;

/** Tells of keys at the first rows that seem to be misspelt, and so stay data. What fills a template is data anyway. */
export async function tellMisspeltKeys({
  request,
  input,
  notify,
}: {
  request: Pick<RunRequest, 'settings'>;
  input: RunInput;
  notify: Notify;
}): Promise<void> {
  if (request.settings.promptTemplate !== null) return;
  const misspelt = createMisspeltKeys();
  const rows = Array.from({ length: Math.min(misspeltRows, input.scan.table.size) }, (_, row) => row);
  for (const found of await readRequests(input, rows)) {
    // A row that is read again has its text, and not its fields.
    misspelt.add({ ...found, row: JSON.parse(found.rowJson ?? '{}') as Record<string, unknown> });
  }
  for (const key of misspelt.list()) notify({ topic: 'input', text: describeMisspelt(key) });
}
