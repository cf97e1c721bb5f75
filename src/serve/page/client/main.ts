// The script of the page: asks the server each second, and shows what it answers.
import { formatInteger, formatPercent } from '../../../text/format.ts';
import { type Batch, LoginNeeded, type Queue, Refusal, ask } from './api.ts';
import { type BatchAction, createBatchItem } from './batch-item.ts';
import { clockText, countsOf } from './describe-batch.ts';
import { byId, createList, setShown, setText } from './dom.ts';
import { learnNames, nameOf } from './file-names.ts';
import { createHeadline } from './headline.ts';
import { askOverPage } from './over-list.ts';

/** Milliseconds between two looks at what goes on, and at what is over where nothing tells that it changed. */
const liveMs = 1000;
const overMs = 10_000;

const idOf = ({ id }: Batch): string => id;
const createItem = () => createBatchItem({ nameOf, act: (action, batch) => void act(action, batch) });
const showHeadline = createHeadline();
const showOngoing = createList(byId('ongoing'), idOf, createItem);
const showOver = createList(byId('over'), idOf, createItem);

/** What is over: where each page of it begins, up to the one that is shown, and where the next one does; null: at the newest, nowhere. */
const over = {
  pages: [null] as (string | null)[],
  next: null as string | null,
  count: 0,
  ongoing: '',
  askedAt: -Infinity,
};
/** Batches that go on: so many are shown, or all that the server tells of. */
const briefCount = 10;
let isWhole = false;
let isPaused = false;
let answeredAt = Date.now();
/** Ends the wait for the next look. */
let wake = (): void => {};

async function watch(): Promise<void> {
  for (;;) {
    try {
      await look();
      answeredAt = Date.now();
      setTrouble('');
    } catch (error) {
      if (error instanceof LoginNeeded) return showLogin();
      setTrouble(
        error instanceof Refusal
          ? `The server answered with an error: ${error.message}.`
          : `The server does not answer. The page shows its state at ${clockText(answeredAt / 1000)}, and continues when the server is back.`,
      );
    }
    await new Promise<void>((resolve) => {
      wake = resolve;
      setTimeout(resolve, liveMs);
    });
  }
}

/** A browser that logged in can log out again. */
async function showLogout(): Promise<void> {
  const { is_logged_in: isLoggedIn } = await ask<{ is_logged_in: boolean }>('/login');
  setShown(byId('logout'), isLoggedIn);
}

async function look(): Promise<void> {
  const queue = withOwnTrouble(await ask<Queue>('/v1/queue'));
  await learnNames(queue.data);
  showQueue(queue);
  const ongoing = queue.data.map(idOf).join();
  if (ongoing !== over.ongoing || performance.now() - over.askedAt > overMs) await lookAtOver();
  over.ongoing = ongoing;
  setShown(byId('empty'), queue.total + over.count === 0);
  setShown(byId('all'), queue.total + over.count > 0);
}

/** Leaves to each batch what is its own: a pause or a problem of all is told once, above. */
function withOwnTrouble(queue: Queue): Queue {
  const { paused: all, problem } = queue;
  const own = ({ llmbatch, ...batch }: Batch): Batch => {
    const isOfAll = all !== null && llmbatch.paused?.since === all.since;
    const paused = isOfAll ? null : llmbatch.paused;
    return {
      ...batch,
      llmbatch: { ...llmbatch, paused, problem: llmbatch.problem === problem ? null : llmbatch.problem },
    };
  };
  return { ...queue, data: queue.data.map(own) };
}

function showQueue(queue: Queue): void {
  const running = queue.data.find(({ id }) => id === queue.running);
  isPaused = queue.paused !== null;
  showHeadline(running?.llmbatch.progress ?? null);
  showOngoing(isWhole ? queue.data : queue.data.slice(0, briefCount));
  setShown(byId('ongoing-part'), queue.total > 0);
  setShown(byId('more'), queue.total > briefCount);
  setText(byId('more-count'), `${formatInteger(queue.total)} in total`);
  setText(byId('show-more'), isWhole ? 'Show fewer' : `Show the first ${queue.data.length}`);
  setText(byId('status'), statusText(queue, running));
  setText(byId('pause-all'), isPaused ? 'Resume all' : 'Pause all');
  setText(byId('problem'), queue.problem ?? '');
  setShown(byId('problem'), queue.problem !== null);
  document.title = running === undefined ? 'llmbatch' : `${shareText(running)} ${nameOf(running)} · llmbatch`;
}

function statusText({ paused, loaded_model: model, total }: Queue, running: Batch | undefined): string {
  const isLoaded = model === null ? '' : ` ${model} is loaded.`;
  if (paused !== null)
    return `All batches are paused by ${paused.by} since ${clockText(Date.parse(paused.since) / 1000)}.${isLoaded}`;
  if (running === undefined) return `${total === 0 ? 'No batch is waiting.' : 'No batch is running.'}${isLoaded}`;
  const runs = `${nameOf(running)} is running${running.model ? ` on ${running.model}` : ''}`;
  return total === 1 ? `${runs}.` : `${runs}. ${formatInteger(total - 1)} more in the queue.`;
}

function shareText(batch: Batch): string {
  const { total, done } = countsOf(batch);
  return formatPercent(total === null || total === 0 ? null : done / total);
}

async function lookAtOver(): Promise<void> {
  const { batches, next } = await askOverPage(over.pages.at(-1) ?? null);
  await learnNames(batches);
  Object.assign(over, { next, count: batches.length, askedAt: performance.now() });
  showOver(batches);
  setShown(byId('over-part'), batches.length > 0);
  setShown(byId('newer'), over.pages.length > 1);
  setShown(byId('older'), next !== null);
  setText(byId('page-number'), `page ${over.pages.length}`);
  setShown(byId('pager'), over.pages.length > 1 || next !== null);
}

/** Turns to another page of what is over. */
function turnTo(pages: (string | null)[]): void {
  Object.assign(over, { pages, askedAt: -Infinity });
  wake();
}

async function act(action: BatchAction, batch: Batch): Promise<void> {
  if (action === 'cancel' && !(await confirmCancel(nameOf(batch)))) return;
  await change(`/v1/batches/${encodeURIComponent(batch.id)}/${action}`);
}

/** Asks the server for a change, says why where it refuses, and looks at what came of it. */
async function change(path: string): Promise<void> {
  let complaint = '';
  try {
    await ask(path, 'POST');
  } catch (error) {
    complaint = error instanceof Refusal ? error.message : 'The server does not answer, so nothing was changed.';
  }
  setText(byId('complaint'), complaint);
  setShown(byId('complaint'), complaint !== '');
  wake();
}

function confirmCancel(name: string): Promise<boolean> {
  const dialog = byId('ask-cancel') as HTMLDialogElement;
  setText(byId('cancel-name'), name);
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'cancel'), { once: true });
  });
}

function setTrouble(text: string): void {
  setText(byId('trouble'), text);
  setShown(byId('trouble'), text !== '');
  document.body.classList.toggle('stale', text !== '');
}

function showLogin(): void {
  for (const id of ['all', 'empty', 'top', 'trouble']) setShown(byId(id), false);
  setShown(byId('login'), true);
  const isWrong = new URLSearchParams(location.search).get('login') === 'wrong';
  setShown(byId('wrong-key'), isWrong);
  byId('key').focus();
}

byId('address').append(location.origin);
byId('pause-all').addEventListener('click', () => void change(`/v1/queue/${isPaused ? 'resume' : 'pause'}`));
byId('show-more').addEventListener('click', () => {
  isWhole = !isWhole;
  wake();
});
byId('newer').addEventListener('click', () => turnTo(over.pages.slice(0, -1)));
byId('older').addEventListener('click', () => turnTo([...over.pages, over.next]));
document.addEventListener('visibilitychange', () => wake());
showLogout().catch(() => undefined);
void watch();
