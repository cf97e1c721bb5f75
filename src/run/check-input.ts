import { UsageError } from '../core/errors.ts';
import type { Notify } from '../core/events.ts';
import { type RejectedLine, placeOf } from '../core/request.ts';
import { shardName } from '../data/shard.ts';
import { validateCommand } from '../text/command-line.ts';
import { formatCounted, formatInteger } from '../text/format.ts';
import { printable } from '../text/printable.ts';
import { createMisspeltKeys, describeMisspelt } from '../input/misspelt-keys.ts';
import { type RunInput, readRequests } from './read-input.ts';
import type { RunRequest } from './run-request.ts';

/** Keeps why the first rejected line of an input is no request; empty where none was rejected. */
export function keepFirstRejection(): {
  onRejected: (rejected: RejectedLine, isOurs?: boolean) => void;
  /** That of the shard, or with `all` that of the whole input. */
  text: (of?: 'shard' | 'all') => string;
} {
  const first = { shard: '', all: '' };
  return {
    onRejected(rejected, isOurs = true) {
      if (first.all !== '' && (first.shard !== '' || !isOurs)) return;
      const text = `${placeOf(rejected)}: ${printable(rejected.reason)}`;
      first.all ||= text;
      if (isOurs) first.shard = text;
    },
    text: (of = 'shard') => first[of],
  };
}

interface CheckedInput {
  request: Pick<RunRequest, 'input' | 'given' | 'runner' | 'settings' | 'shard'>;
  input: RunInput;
  notify: Notify;
  firstRejection: ReturnType<typeof keepFirstRejection>['text'];
}

/**
 * Refuses an input without any request, and with `--strict` one with bad lines; tells of them else. Of bad lines of other
 * shards nothing is told, as each shard tells of its own.
 */
export function checkInput(checked: CheckedInput): void {
  const { request, input, notify, firstRejection } = checked;
  const { shard = null } = request;
  const { table, counts, elsewhere } = input.scan;
  refuseBadInput(checked);
  if (shard !== null && counts.requests + counts.rejected === 0 && input.isComplete()) {
    notify({ topic: 'input', text: `no request of ${printable(request.input)} belongs to ${shardName(shard)}` });
  }
  if (counts.rejected === 0) return;
  const part = shard === null ? '' : ` of ${shardName(shard)}`;
  const bad = badLines(counts.rejected, input, table.size - elsewhere.requests - elsewhere.rejected, part);
  const become = counts.rejected === 1 ? 'becomes a failed result' : 'become failed results';
  notify({ topic: 'bad-lines', text: `${bad} and ${become} (${firstRejection()})` });
}

/** Looks at the whole input, whichever shards its lines belong to: all runs that share it then refuse it. */
function refuseBadInput({ request, input, firstRejection }: CheckedInput): void {
  const { table, counts, elsewhere } = input.scan;
  const rejected = counts.rejected + elsewhere.rejected;
  if (rejected === 0) return;
  const first = firstRejection('all');
  const hint = `See all of them with: ${validateCommand(request.input, request.given)}`;
  if (request.runner.strict)
    throw new UsageError(`${badLines(rejected, input, table.size)} (--strict): ${first}`, hint);
  if (counts.requests + elsewhere.requests > 0 || !input.isComplete()) return;
  throw new UsageError(`no ${input.unit} is a valid request: ${first}`, `${templateHint(request)}${hint}`);
}

/** A template that no flag of the command gave is not seen there. */
function templateHint({ settings: { promptTemplate }, given }: CheckedInput['request']): string {
  if (promptTemplate === null || given === undefined || given.some(({ name }) => name === '--prompt-template'))
    return '';
  return 'The prompt template is not from this command: llmbatch config shows where it is set.\n';
}

/** `2 of 10 lines of shard 1 of 3 are not valid requests`. */
const badLines = (bad: number, { unit }: Pick<RunInput, 'unit'>, all: number, ofShard = ''): string =>
  `${formatInteger(bad)} of ${formatCounted(all, unit)}${ofShard} ${bad === 1 ? 'is not a valid request' : 'are not valid requests'}`;

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
