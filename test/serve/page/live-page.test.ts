import { createHash } from 'node:crypto';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { createMeter } from '../../../src/metrics/meter.ts';
import { batchObject } from '../../../src/serve/batches/batch-object.ts';
import type { Route } from '../../../src/serve/http/route.ts';
import { sendJson } from '../../../src/serve/http/send.ts';
import { renderLivePage } from '../../../src/serve/page/render-live-page.ts';
import { pageRoutes } from '../../../src/serve/routes/page.ts';
import { queueRoutes } from '../../../src/serve/routes/queue.ts';
import type { BatchRecord } from '../../../src/serve/store/batch-record.ts';
import { hasBrowser, overflow, visit } from '../../helpers/browse.ts';
import { openServer } from '../http/open-server.ts';
import { createSmallQueue } from '../routes/small-queue.ts';

const screens = [
  { width: 1280, colorScheme: 'light' as const },
  { width: 390, colorScheme: 'dark' as const },
];

/** Text that does harm where it is taken for markup, and that turns the direction of what follows. */
const hostile = `<img src=x onerror="document.title='harm'"><script>document.title='harm'</script>\u202e&amp;`;

/** A server whose batches change as the test says, with the page; `names` are those of the input files. */
async function openPage({ apiKey = null }: { apiKey?: string | null } = {}) {
  const small = createSmallQueue();
  const names = new Map<string, string>();
  const posts: string[] = [];
  const describeBatch = (record: BatchRecord): object => batchObject(record, small.queue);
  const get = (path: string, answer: (id: string, after: string | null) => object): Route => ({
    method: 'GET',
    path,
    handle: async ({ params, query }, response) =>
      sendJson(response, 200, answer(params['id'] ?? '', query.get('after'))),
  });
  const change = (does: 'pause' | 'resume' | 'cancel'): Route => ({
    method: 'POST',
    path: `/v1/batches/:id/${does}`,
    async handle({ params: { id = '' } }, response) {
      posts.push(`${does} ${id}`);
      if (does === 'cancel') small.change(id, { status: 'cancelled' });
      else small.change(id, { paused: does === 'pause' ? { by: 'me', since: '2026-01-01T00:00:00.000Z' } : null });
      sendJson(response, 200, {});
    },
  });
  const server = await openServer(
    [
      ...pageRoutes(),
      ...queueRoutes({ ...small, describe: describeBatch }),
      get('/v1/files/:id', (id) => ({ filename: names.get(id) ?? 'requests.jsonl' })),
      get('/v1/batches', (_id, after) => {
        const all = small.batches.list();
        const rest = all.slice(after === null ? 0 : all.findIndex(({ id }) => id === after) + 1);
        return { data: rest.slice(0, 100).map(describeBatch), has_more: rest.length > 100 };
      }),
      ...(['pause', 'resume', 'cancel'] as const).map(change),
    ],
    { apiKey },
  );
  return { ...small, ...server, names, posts };
}

const itemCount = (page: Page, list: string): Promise<number> => page.locator(`#${list} > li`).count();

describe('the page', () => {
  test('needs nothing from elsewhere, and its policy lets nothing else run', () => {
    const { html, policy } = renderLivePage();
    expect(html).not.toMatch(/https?:\/\/|@import|url\(|\ssrc=/);
    expect(html.match(/\shref="[^"]*"/g)).toEqual([' href="data:,"']);
    expect(html.match(/\son[a-z]+=|\sstyle=|javascript:/g)).toBeNull();
    const inline = (tag: string): string => new RegExp(`<${tag}[^>]*>(.*?)</${tag}>`, 's').exec(html)?.[1] ?? '';
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash(inline('script'))}`,
      `style-src ${hash(inline('style'))}`,
      "connect-src 'self'",
      "form-action 'self'",
      'img-src data:',
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(html.match(/<script/g)).toHaveLength(1);
  });
});

describe.skipIf(!hasBrowser)('in a browser', () => {
  test.each(screens)('all states fit, and nothing is amiss, at %o', async (screen) => {
    const { url, add, setState, setSnapshot } = await openPage();
    const { page, complaints, requests } = await visit(`${url}/`, screen);
    await page.locator('#empty').waitFor({ state: 'visible' });
    expect(await page.locator('#address').textContent()).toBe(`server=${url}`);
    expect(await overflow(page)).toBe(0);

    const { id } = add({ status: 'in_progress', counts: { total: 170_000, completed: 0, failed: 0 } });
    for (let made = 0; made < 30; made++) add({ status: 'completed', counts: { total: 5, completed: 4, failed: 1 } });
    add({ status: 'failed', errors: [{ code: 'invalid_json_line', message: 'not JSON', param: null, line: 3 }] });
    const { progress, ...rest } = createMeter().snapshot();
    setSnapshot(id, {
      progress: { ...progress, total: 170_000, done: 70_000, succeeded: 69_000, failed: 1000 },
      ...rest,
    });
    setState({ running: id, loadedModel: 'mock' });
    await page.getByText('70,000 of 170,000 done (41.2%), 1,000 failed').waitFor();
    await page.getByText('not JSON').waitFor();
    expect(await page.title()).toBe('41.2% requests.jsonl · llmbatch');
    expect(await page.locator('#status').textContent()).toBe('requests.jsonl runs on mock.');
    expect(await itemCount(page, 'over')).toBe(20);
    expect(await overflow(page)).toBe(0);
    await page.getByRole('button', { name: 'Older' }).click();
    await page.getByText('page 2').waitFor();
    expect(await itemCount(page, 'over')).toBe(11);
    expect({
      complaints,
      elsewhere: requests.filter((request) => !request.startsWith(`${url}/v1/`) && request !== `${url}/login`),
    }).toEqual({
      complaints: [],
      elsewhere: ['data:,'].filter((icon) => requests.includes(icon)),
    });
  });

  test.each(screens)('hostile text stays text at %o', async (screen) => {
    const { url, add, setState, names } = await openPage();
    const running = add({
      models: [hostile],
      metadata: { [hostile]: hostile, long: 'x'.repeat(512) },
      paused: { by: hostile, since: '2026-01-01T00:00:00.000Z' },
    });
    add({
      status: 'failed',
      errors: [{ code: hostile, message: hostile, param: hostile, line: 1 }],
      outputFileId: hostile,
    });
    names.set(running.inputFileId, `${hostile}${'a'.repeat(200)}.jsonl`);
    setState({ running: running.id, problem: hostile, loadedModel: hostile });
    const { page, complaints } = await visit(`${url}/`, screen);
    await page.getByText('Refused: 1 mistake').waitFor();
    await page.locator('#problem').waitFor({ state: 'visible' });
    expect(await page.locator('#problem').textContent()).toBe(hostile.replace('\u202e', String.raw`\u202e`));
    expect(await page.locator('img, body script:not([type=module])').count()).toBe(0);
    expect(await page.title()).toContain('<img src=x');
    expect(await page.locator('a[download]').first().getAttribute('href')).toBe(
      `/v1/files/${encodeURIComponent(hostile)}/content`,
    );
    expect(await overflow(page)).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('a batch is paused and goes on, with the focus where it was, and is cancelled after one question', async () => {
    const { url, add, names, posts, setState } = await openPage();
    const first = add({ inputFileId: 'first' });
    names.set('first', 'first.jsonl');
    const { id } = add({});
    setState({ waiting: [first.id, id] });
    const { page } = await visit(`${url}/`, { width: 1280 });
    const pause = page.getByRole('button', { name: 'Pause requests.jsonl' });
    await pause.focus();
    await page.keyboard.press('Enter');
    const resume = page.getByRole('button', { name: 'Resume requests.jsonl' });
    await resume.waitFor();
    // A batch that is moved keeps the focus.
    setState({ waiting: [id, first.id] });
    await page.locator('#ongoing > li:first-child').getByText('requests.jsonl').waitFor();
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Resume requests.jsonl');
    await page.keyboard.press('Enter');
    await pause.waitFor();

    await page.getByRole('button', { name: 'Cancel requests.jsonl' }).click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    await page.getByRole('button', { name: 'Cancel requests.jsonl' }).click();
    await page.getByRole('button', { name: 'Cancel the batch' }).click();
    await page.locator('#over').getByText('cancelled').waitFor();
    expect(posts).toEqual([`pause ${id}`, `resume ${id}`, `cancel ${id}`]);
  });

  test('all batches are paused and go on', async () => {
    const { url, add } = await openPage();
    add({});
    const { page } = await visit(`${url}/`, { width: 1280 });
    await page.getByRole('button', { name: 'Pause all' }).click();
    expect(await page.getByRole('button', { name: 'Log out' }).isVisible()).toBe(false);
    await page.getByText('All batches are paused by a client at 127.0.0.1').waitFor();
    await page.getByRole('button', { name: 'Resume all' }).click();
    await page.getByRole('button', { name: 'Pause all' }).waitFor();
  });

  test('a refused change is told', async () => {
    const { url, add } = await openPage();
    const { id } = add({});
    const { page } = await visit(`${url}/`, { width: 1280 });
    await page.route(`**/${id}/pause`, (route) =>
      route.fulfill({ status: 409, json: { error: { message: 'the batch is at its end' } } }),
    );
    await page.getByRole('button', { name: 'Pause requests.jsonl' }).click();
    await page.getByText('the batch is at its end').waitFor();
  });

  test('a server that is gone is told, and the page goes on when it is back', async () => {
    const { url, add } = await openPage();
    add({});
    const { page } = await visit(`${url}/`, { width: 1280 });
    await page.getByText('10 requests').waitFor();
    await page.route('**/v1/**', (route) => route.abort('connectionrefused'));
    await page.getByText('The server does not answer.').waitFor();
    await page.unroute('**/v1/**');
    await page.locator('#trouble').waitFor({ state: 'hidden' });
  });

  test('a server with a key asks for it', async () => {
    const { url, add } = await openPage({ apiKey: 'right' });
    add({});
    const { page } = await visit(`${url}/`, { width: 390 });
    const logIn = async (key: string): Promise<void> => {
      await page.getByLabel('This server has a key').fill(key);
      await page.getByRole('button', { name: 'Log in' }).click();
    };
    await logIn('wrong');
    await page.getByText('That is not the key of this server.').waitFor();
    await logIn('right');
    await page.getByText('10 requests').waitFor();
    expect(await page.locator('#login').isVisible()).toBe(false);
    expect(await overflow(page)).toBe(0);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('This server has a key').waitFor();
  });
});
