import { expect, test } from 'vitest';
import { renderHtml } from '../../src/report/html.ts';
import { sampleReport } from './sample-run.ts';

test('the page needs nothing else: no script, no other file', () => {
  const page = renderHtml(sampleReport());
  expect(page).toMatch(/^<!doctype html>/);
  expect(page).not.toMatch(/<script|src=["']|href=|url\(|@import/);
});

test('text from the data stays text', () => {
  const page = renderHtml(sampleReport({ outputPath: '</title><script>alert(1)</script>', model: `a"b'c&d` }));
  expect(page).not.toMatch(/<script|<img/);
  expect(page).toContain('&lt;img src=x onerror=alert(1)&gt;|&quot;�[31m');
  expect(page).toContain('a&quot;b&#39;c&amp;d');
});

test('every tag that is opened is closed', () => {
  const page = renderHtml(sampleReport());
  for (const tag of ['section', 'table', 'thead', 'tbody', 'tr', 'td', 'th', 'rect', 'svg', 'div', 'title']) {
    const opened = page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length;
    expect([tag, page.match(new RegExp(`</${tag}>`, 'g'))?.length]).toEqual([tag, opened]);
  }
});
