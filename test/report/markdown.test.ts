import { expect, test } from 'vitest';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { sampleReport } from './sample-run.ts';

test('each part is a table', () => {
  const text = renderMarkdown(sampleReport());
  expect(text).toContain('## Errors\n\n| kind | group | requests | share |\n| --- | ---: | ---: | ---: |\n| timeout |');
});

test('an id from the data makes no markup and no new column', () => {
  expect(renderMarkdown(sampleReport())).toContain(String.raw`| \<img src=x onerror=alert(1)\>\|"\\x1b\[31m | 100 |`);
});
