import { array, assert, integer, property, stringMatching } from 'fast-check';
import { expect, test } from 'vitest';
import { columnsOf } from '../../src/text/columns.ts';
import { wrapText } from '../../src/text/wrap-text.ts';

test('a line is broken at its blanks, and its rest stands to the right', () => {
  expect(wrapText('one long conversation, and no answer', 20)).toBe('one long\n  conversation, and\n  no answer');
});

test('the rest of a value stands below its beginning, unless the label takes half of the width', () => {
  expect(wrapText('  tokens   240 prompt, 240 completion', 24)).toBe(
    '  tokens   240 prompt,\n           240\n           completion',
  );
  expect(wrapText('  a long label of many words  and a value', 20)).toBe(
    '  a long label of\n    many words  and\n    a value',
  );
});

test('a command and a path are never broken, and stand on a line of their own', () => {
  const command = 'llmbatch resume /tmp/a-folder/results.jsonl --workers 4';
  expect(wrapText(`What is answered is kept. Go on with: ${command}`, 40)).toBe(
    `What is answered is kept. Go on with:\n  ${command}`,
  );
  expect(wrapText(`Go on with: ${command}. Or begin anew with another name.`, 40)).toBe(
    `Go on with:\n  ${command}.\n  Or begin anew with another name.`,
  );
  expect(wrapText('  resume  llmbatch resume a.jsonl', 20)).toBe('  resume  llmbatch resume a.jsonl');
  expect(wrapText('Pipe it in again: ... | llmbatch run - -o a.jsonl', 20)).toBe(
    'Pipe it in again:\n  ... | llmbatch run - -o a.jsonl',
  );
});

test('wide letters count two columns', () => {
  expect(wrapText('東京 大阪 京都', 8)).toBe('東京\n  大阪\n  京都');
});

test('no line is wider than asked for but for one word, and no letter is lost', () => {
  const text = array(stringMatching(/^[a-zü東]{1,12}$/u), { minLength: 1, maxLength: 30 });
  assert(
    property(text, integer({ min: 10, max: 60 }), (words, columns) => {
      const lines = wrapText(words.join(' '), columns).split('\n');
      expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '));
      for (const line of lines) if (line.trim().includes(' ')) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    }),
  );
});
