import { expect, test } from 'vitest';
import { answerSection } from '../../src/report/answer-section.ts';
import { renderHtml } from '../../src/report/html.ts';
import { renderJson } from '../../src/report/json.ts';
import { foldReport } from '../../src/report/report-data.ts';
import { renderText } from '../../src/report/text.ts';
import { resultLine, run } from './sample-run.ts';

/** The report of answers with these texts, all asked for as JSON where `isAsked`. */
function reportOf(texts: string[], isAsked = true) {
  const fold = foldReport();
  for (const [index, content] of texts.entries()) {
    const line = resultLine(index, { id: `q-${index}` });
    const choices = [{ index: 0, message: { role: 'assistant' as const, content }, finish_reason: 'stop' as const }];
    const response = { ...line.response!, body: { ...line.response!.body, choices } };
    const parsed = isAsked ? { parsed: JSON.parse(content.replaceAll('`', '')) as unknown } : {};
    fold.add({ ...line, response, llmbatch: { ...line.llmbatch, ...parsed } });
  }
  return fold.finish(run);
}

test('the keys of answers that were asked for as JSON are columns, each value as it was written', () => {
  const report = reportOf(['{"score": 12345678901234567890, "why": null}', '```{"id":"a\\nb","score":7.50}```']);
  expect(answerSection(report)).toMatchObject({
    header: ['id', 'score', 'why', 'answer.id'],
    rows: [
      ['q-0', '12345678901234567890', 'null', ''],
      ['q-1', '7.50', '', 'a b'],
    ],
  });
});

test.each([
  ['are nested', ['{"a":1}', '{"a":[1]}'], true],
  ['are no objects', ['{"a":1}', '3'], true],
  ['have no keys', ['{}'], true],
  ['have too many keys', ['{"a":1,"b":1,"c":1,"d":1}', '{"e":1,"f":1,"g":1}'], true],
  ['were not asked for as JSON', ['{"a":1}'], false],
])('answers that %s stay whole', (_, texts, isAsked) => {
  expect(answerSection(reportOf(texts, isAsked))).toMatchObject({
    header: null,
    rows: texts.map((text, index) => [`q-${index}`, text]),
  });
});

test('keys and values are escaped and shortened', async () => {
  const page = await renderHtml(reportOf([JSON.stringify({ '<b>': '<i>', long: 'x'.repeat(400) })]));
  expect(page).toContain('&lt;b&gt;</th>');
  expect(page).toContain('&lt;i&gt;</td>');
  expect(page).toContain(`>${'x'.repeat(299)}…<`);
});

test('a terminal shows the columns where they have room', () => {
  const sentence = 'It is long but still fits into a line of the screen.';
  const report = reportOf([JSON.stringify({ score: 3, why: sentence })]);
  expect(renderText(report)).toContain(`  q-0      3  ${sentence}\n`);
  expect(renderText(report, 60)).toContain('  q-0  {"score":3,"why":"It is long');
});

test('the JSON of a report has the answers as they were', () => {
  const answers = [{ id: 'q-0', line: 1, text: '{"Big Key":1}' }];
  expect(JSON.parse(renderJson(reportOf(['{"Big Key":1}'])))).toMatchObject({ answers });
  expect(renderJson(reportOf(['{"Big Key":1}']))).not.toContain('members');
});
