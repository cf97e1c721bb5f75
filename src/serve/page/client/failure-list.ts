import { formatCounted, formatInteger } from '../../../text/format.ts';
import type { Batch } from './api.ts';
import { isBatchOver } from './describe-batch.ts';
import { type ItemView, createList, make, setShown, setText } from './dom.ts';

/** Failures of one kind that say the same, or a line for which the whole batch was refused. */
interface Failure {
  what: string;
  message: string;
  /** Where it happened: ids, or a line. */
  where: string;
}

/** Lines of a refused batch that are shown. */
const maxLines = 20;

/** Makes the list of the failures of a batch: open while it goes on and where it was refused, else to be opened. */
export function createFailureList(): ItemView<Batch> {
  const summary = make('summary');
  const list = make('ul');
  const element = make('details', 'failures', summary, list);
  const update = createList<Failure>(list, ({ what, message, where }) => `${what}\n${message}\n${where}`, createItem);
  let isNew = true;
  return {
    element,
    update(batch) {
      const failures = failuresOf(batch);
      setShown(element, failures.length > 0);
      if (failures.length === 0) return;
      if (isNew) element.open = !isBatchOver(batch) || batch.status === 'failed';
      isNew = false;
      setText(summary, summaryOf(batch));
      update(failures);
    },
  };
}

function createItem(): ItemView<Failure> {
  const what = make('strong');
  const message = make('span', 'message');
  const where = make('span', 'details');
  return {
    element: make('li', '', what, message, where),
    update(failure) {
      setText(what, failure.what);
      setText(message, failure.message);
      setText(where, failure.where);
    },
  };
}

const linesOf = ({ errors }: Batch) => errors?.data ?? [];

const summaryOf = (batch: Batch): string =>
  linesOf(batch).length > 0
    ? `Refused: ${formatCounted(linesOf(batch).length, 'mistake')}`
    : `${formatInteger(batch.llmbatch.progress?.failed ?? 0)} failed`;

function failuresOf(batch: Batch): Failure[] {
  const lines = linesOf(batch);
  if (lines.length === 0)
    return (batch.llmbatch.progress?.failures ?? []).map(({ kind, count, message, ids }) => ({
      what: `${formatInteger(count)} × ${kind}`,
      message,
      where: ids.length === 0 ? '' : `${ids.join(', ')}${count > ids.length ? ', …' : ''}`,
    }));
  const shown = lines.slice(0, maxLines).map(({ code, message, line }) => ({
    what: code,
    message,
    where: line === null ? '' : `line ${formatInteger(line)}`,
  }));
  const rest = lines.length - shown.length;
  return rest === 0 ? shown : [...shown, { what: `and ${formatInteger(rest)} more`, message: '', where: '' }];
}
