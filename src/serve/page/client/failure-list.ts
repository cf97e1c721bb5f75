import { formatCounted, formatInteger } from '../../../text/format.ts';
import { contentPath, type Batch } from './api.ts';
import { countsOf, isBatchOver } from './describe-batch.ts';
import { type ItemView, createList, make, setShown, setText } from './dom.ts';
import { type ShownFailure, shownFailure, readErrorFile } from './error-file.ts';

/** Mistakes of a refused batch that are shown. */
const maxMistakes = 20;

/**
 * Makes the list of the failures of a batch: open while it goes on and where it was refused. Of one that is over its error file
 * is read once the list is opened.
 */
export function createFailureList(): ItemView<Batch> {
  const summary = make('summary');
  const list = make('ul');
  const element = make('details', 'failures', summary, list);
  const show = createList<ShownFailure>(
    list,
    ({ what, message, where }) => `${what}\n${message}\n${where}`,
    createItem,
  );
  let shown: Batch | null = null;
  let isRead = false;
  element.addEventListener('toggle', () => void read());

  async function read(): Promise<void> {
    if (!element.open || isRead || !shown?.error_file_id || hasMistakes(shown)) return;
    isRead = true;
    try {
      show(await readErrorFile(contentPath(shown.error_file_id)));
    } catch {
      isRead = false;
      show([{ what: '', message: 'The error file could not be read.', where: '' }]);
    }
  }
  return {
    element,
    update(batch) {
      const summaryText = summaryOf(batch);
      setShown(element, summaryText !== '');
      setText(summary, summaryText);
      if (!shown || isBatchOver(shown) !== isBatchOver(batch)) element.open = !isBatchOver(batch) || hasMistakes(batch);
      shown = batch;
      if (hasMistakes(batch)) show(mistakesOf(batch));
      else if (!isBatchOver(batch)) show(failuresOf(batch));
    },
  };
}

function createItem(): ItemView<ShownFailure> {
  const what = make('strong');
  const message = make('span');
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

const hasMistakes = ({ errors }: Batch): boolean => (errors?.data ?? []).length > 0;

function summaryOf(batch: Batch): string {
  if (hasMistakes(batch)) return `Refused: ${formatCounted(batch.errors?.data?.length ?? 0, 'mistake')}`;
  if (!isBatchOver(batch) && failuresOf(batch).length === 0) return '';
  const { failed } = countsOf(batch);
  if (failed > 0) return `${formatInteger(failed)} failed`;
  return batch.error_file_id ? 'Some requests were not answered' : '';
}

const failuresOf = ({ llmbatch: { progress } }: Batch): ShownFailure[] =>
  (progress?.failures ?? []).map((group) => shownFailure(group.kind, group.count, group));

function mistakesOf({ errors }: Batch): ShownFailure[] {
  const all = errors?.data ?? [];
  const shown = all.slice(0, maxMistakes).map(({ code, message, line }) => ({
    what: code,
    message,
    where: line === null ? '' : `line ${formatInteger(line)}`,
  }));
  const rest = all.length - shown.length;
  return rest === 0 ? shown : [...shown, { what: '', message: `and ${formatInteger(rest)} more`, where: '' }];
}
