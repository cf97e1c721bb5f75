import { existsSync } from 'node:fs';
import { type Browser, type Page, chromium } from 'playwright-core';
import { afterAll } from 'vitest';

const executablePath = process.env['LLMBATCH_TEST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Is there a Chromium to open pages with? */
export const hasBrowser = existsSync(executablePath);

const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let browser: Browser | null = null;

afterAll(async () => browser?.close());

export interface Visit {
  page: Page;
  /** What the console said that is no mere log, failed requests, and uncaught errors. */
  complaints: string[];
  /** Addresses that the page asked for, beyond its own. */
  requests: string[];
}

/** Opens a page: the path of a file, or an address. */
export async function visit(
  path: string,
  { width, colorScheme = 'light' }: { width: number; colorScheme?: 'light' | 'dark' },
): Promise<Visit> {
  browser ??= await chromium.launch({
    executablePath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', ...quiet],
  });
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'log') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => requests.push(request.url()));
  await page.goto(path.startsWith('http:') ? path : `file://${path}`);
  return { page, complaints, requests: requests.slice(1) };
}

/** How many pixels the page is wider than the screen. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(`document.documentElement.scrollWidth - document.documentElement.clientWidth`);

/** Charts that are seen, with a title and something drawn. */
export const seenCharts = async (page: Page): Promise<string[]> => {
  const drawings = await page.locator('figure svg[role=img]:visible').all();
  const titles = await Promise.all(drawings.map((drawing) => drawing.getAttribute('aria-label')));
  return titles.map((title) => title ?? '');
};

/** Texts of the drawings that lie over each other. */
export const collidingTexts = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('figure svg[role=img]')].flatMap((drawing) => {
    const texts = [...drawing.querySelectorAll('text')]
      .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }))
      .filter(({ text, box }) => text !== '' && box.width > 0);
    const overlap = (one, other) =>
      Math.min(one.right, other.right) - Math.max(one.left, other.left) > 2 &&
      Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4;
    return texts.flatMap((one, at) =>
      texts.slice(at + 1).filter((other) => overlap(one.box, other.box)).map((other) => one.text + ' / ' + other.text));
  })`);
