import { contentPath, type Batch } from './api.ts';
import { countsOf, countsText, detailsText, isBatchOver, stateText, timesText, troubleText } from './describe-batch.ts';
import { type ItemView, make, setShown, setText } from './dom.ts';
import { createFailureList } from './failure-list.ts';

/** What can be asked for a batch that goes on. */
export type BatchAction = 'pause' | 'resume' | 'cancel';

/** What the items of all lists share. */
export interface ItemContext {
  /** The name of a batch for its reader: that of its input file. */
  nameOf: (batch: Batch) => string;
  act: (action: BatchAction, batch: Batch) => void;
}

/** Makes the view of one batch in a list: its name, state, numbers and failures, and what can be done with it. */
export function createBatchItem(context: ItemContext): ItemView<Batch> {
  const name = make('h3');
  const details = make('p', 'details');
  const state = make('p', 'state');
  const counts = make('p');
  const times = make('p', 'details');
  const note = make('p', 'note');
  const actions = createActions(context);
  const bar = createBar();
  const failures = createFailureList();
  const element = make(
    'li',
    'batch',
    make('div', 'what', name, details),
    make('div', 'how', state, counts, times),
    actions.element,
    bar.element,
    note,
    failures.element,
  );
  return {
    element,
    update(batch) {
      element.dataset['state'] = isBatchOver(batch) ? batch.status : batch.llmbatch.state;
      setText(name, context.nameOf(batch));
      setText(details, detailsText(batch));
      setText(state, stateText(batch));
      setText(counts, countsText(batch));
      setText(times, timesText(batch));
      setText(note, troubleText(batch));
      setShown(note, troubleText(batch) !== '');
      for (const part of [actions, bar, failures]) part.update(batch);
    },
  };
}

/** The bar of a batch that goes on: what is answered, and what failed. */
function createBar(): ItemView<Batch> {
  const succeeded = make('div', 'succeeded');
  const failed = make('div', 'failed');
  const element = make('div', 'bar', succeeded, failed);
  element.role = 'progressbar';
  element.ariaLabel = 'done';
  return {
    element,
    update(batch) {
      const { total, done, failed: failures } = countsOf(batch);
      setShown(element, !isBatchOver(batch) && (done > 0 || batch.llmbatch.state === 'running'));
      const percentOf = (count: number): string => (total ? ((100 * count) / total).toFixed(2) : '0');
      element.ariaValueNow = percentOf(done);
      succeeded.style.inlineSize = `${percentOf(done - failures)}%`;
      failed.style.inlineSize = `${percentOf(failures)}%`;
    },
  };
}

/** The buttons of a batch that goes on, and the files of one that is over. */
function createActions({ nameOf, act }: ItemContext): ItemView<Batch> {
  let shown: Batch | null = null;
  const button = (label: string, action: () => BatchAction): HTMLButtonElement => {
    const made = make('button', '', label);
    made.addEventListener('click', () => shown && act(action(), shown));
    return made;
  };
  const isPaused = (): boolean => shown !== null && shown.llmbatch.paused !== null;
  const pause = button('Pause', () => (isPaused() ? 'resume' : 'pause'));
  const cancel = button('Cancel', () => 'cancel');
  const output = make('a', '', 'Output');
  const errors = make('a', '', 'Error file');
  return {
    element: make('div', 'actions', pause, cancel, output, errors),
    update(batch) {
      shown = batch;
      const name = nameOf(batch);
      const canChange = batch.status === 'in_progress' || batch.status === 'validating';
      setText(pause, isPaused() ? 'Resume' : 'Pause');
      pause.ariaLabel = `${isPaused() ? 'Resume' : 'Pause'} ${name}`;
      cancel.ariaLabel = `Cancel ${name}`;
      setShown(pause, canChange);
      setShown(cancel, canChange);
      setFile(output, batch.output_file_id, `${batch.id}_output.jsonl`);
      setFile(errors, batch.error_file_id, `${batch.id}_error.jsonl`);
      output.ariaLabel = `Output of ${name}`;
      errors.ariaLabel = `Error file of ${name}`;
    },
  };
}

function setFile(link: HTMLAnchorElement, fileId: string | null | undefined, name: string): void {
  setShown(link, Boolean(fileId));
  if (!fileId) return;
  link.href = contentPath(fileId);
  link.download = name;
}
