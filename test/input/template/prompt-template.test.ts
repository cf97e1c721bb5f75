import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { type TemplateOptions, compilePromptTemplate } from '../../../src/input/template/prompt-template.ts';

type Row = Record<string, unknown>;

/** The prompt of a row, which is given as JSON text where its digits matter. */
async function render(template: string, row: Row | string): Promise<string> {
  const text = typeof row === 'string' ? row : JSON.stringify(row);
  return (await compilePromptTemplate(template)).render(JSON.parse(text) as Row, text);
}

const problem = async (template: string, row: Row, options: TemplateOptions = {}): Promise<string | null> =>
  (await compilePromptTemplate(template, options)).problemOf(row);

test('fields fill the template as they are: a prompt is no HTML', async () => {
  const row = { name: "O'Brien & <Co>", notes: 'says "hi"', age: 41, isOpen: false };
  expect(await render('{{name}}|{{{notes}}}|{{&name}}|{{age}}|{{isOpen}}', row)).toBe(
    `O'Brien & <Co>|says "hi"|O'Brien & <Co>|41|false`,
  );
});

test('text in a field is never read as a template', async () => {
  expect(await render('{{note}}', { note: '{{secret}} {{#a}}', secret: 'x' })).toBe('{{secret}} {{#a}}');
});

test('a list or an object is printed as JSON', async () => {
  expect(await render('{{skills}} {{job}}', { skills: ['sql', 'java'], job: { title: 'dev' } })).toBe(
    '["sql","java"] {"title":"dev"}',
  );
});

test('sections repeat over lists, and leave out what is empty', async () => {
  const template = '{{name}}{{#skills}} {{.}}{{/skills}}{{^city}} nowhere{{/city}}{{#job}} as {{title}}{{/job}}';
  expect(await render(template, { name: 'Ada', skills: ['sql', 'java'], job: { title: 'dev' } })).toBe(
    'Ada sql java nowhere as dev',
  );
  expect(await render(template, { name: 'Ada', city: 'Lima' })).toBe('Ada');
});

describe('a number is printed as it is written', () => {
  const row =
    '{"tweet":1790000000000000123,"price":1.10,"e":1e3,"minus":-0,"big":1e999,"n":41,"tags":[1.0,{"id":1790000000000000123}],"zero":0.0}';

  test.each([
    ['{{tweet}} {{price}} {{{e}}} {{&minus}} {{big}} {{n}}', '1790000000000000123 1.10 1e3 -0 1e999 41'],
    ['{{tags}}', '[1.0,{"id":1790000000000000123}]'],
    ['{{#tags}}<{{.}}{{id}}>{{/tags}}', '<1.0><{"id":1790000000000000123}1790000000000000123>'],
    ['{{#zero}}some{{/zero}}{{^zero}}none: {{zero}}{{/zero}}', 'none: 0.0'],
    ['{{.}}', row],
  ])('%s', async (template, wanted) => {
    expect(await render(template, row)).toBe(wanted);
  });

  test('where a key stands twice, too, and in a row with __proto__', async () => {
    expect(await render('{{a}} {{b}}', '{"__proto__":{"b":1},"a":1.0,"a":2.0,"b":1.50}')).toBe('2.0 1.50');
  });
});

test('a column may be called by a dotted name', async () => {
  expect(
    await render('{{user.name}} {{user.job.title}} {{a.b}}', {
      'user.name': 'Ada',
      user: { 'job.title': 'dev' },
      a: { b: 1 },
    }),
  ).toBe('Ada dev 1');
});

test('braces of any number print a list or an object as JSON', async () => {
  expect(await render('{{{skills}}}{{&job}}', { skills: ['sql'], job: { a: 1 } })).toBe('["sql"]{"a":1}');
});

describe('a row without a field that is printed outside of sections', () => {
  const template = '{{name}} {{address.city}}{{#notes}}{{text}}{{/notes}}';

  test.each<[Row, string | null]>([
    [{ name: 'Ada' }, 'no field "address.city"; the row has: name'],
    [{ address: { city: 'Lima' } }, 'no field "name"; the row has: address'],
    [{ name: 'Ada', address: { street: 'x', zip: 1 } }, 'no field "address.city"; "address" has: street, zip'],
    [{ name: 'Ada', address: 'Lima' }, 'no field "address.city"; the row has: name, address; did you mean "address"?'],
    [{}, 'no fields "name", "address.city"; the row has: no field'],
    [
      { nam: 'Ada', city: 'x' },
      'no fields "name", "address.city"; the row has: nam, city; did you mean "nam", "city"?',
    ],
    [{ name: 'Ada', address: { city: 'Lima' } }, null],
    [{ name: 'Ada', 'address.city': 'Lima' }, null],
  ])('%j is a bad line', async (row, wanted) => {
    expect(await problem(template, row)).toBe(wanted);
  });

  test.each([
    ['{{citty}}', 'city'],
    ['{{City}}', 'city'],
    ['{{ city | upper }}', 'city'],
    ['{{row.city}}', 'city'],
    ['{{row["job title"].city}}', 'city'],
    ['{{CITY}}', 'city'],
  ])('%s is told which one was meant', async (template_, meant) => {
    expect(await problem(template_, { name: 'Ada', city: 'Lima', job: 'dev' })).toMatch(
      new RegExp(`; the row has: name, city, job; did you mean "${meant}"\\?$`),
    );
  });

  test('is told in a sentence of bounded length', async () => {
    const row = Object.fromEntries(
      Array.from({ length: 5000 }, (_, index) => [`${'x'.repeat(100)}${index}\u001B`, index]),
    );
    const told = await problem(`{{${'y'.repeat(5000)}}}`, row);
    expect([told?.length, told?.includes('and 4988 more')]).toEqual([expect.any(Number), true]);
    expect(told?.length).toBeLessThan(700);
    expect(told).not.toContain('\u001B');
  });
});

test('a field that every object has is missed as well', async () => {
  expect(await problem('{{constructor}}', { a: 1 })).toBe('no field "constructor"; the row has: a');
});

test.each([
  [null, 'null'],
  ['', 'empty'],
  [' \t\u00A0\n', 'empty'],
])('a field that is %j is a bad line, unless that is allowed', async (text, kind) => {
  expect(await problem('Say {{text}}', { text })).toBe(
    `the field "text" is ${kind} (--allow-empty-fields sends it anyway)`,
  );
  expect(await problem('Say {{a.text}}', { a: { text } })).toContain(`the field "a.text" is ${kind}`);
  expect(await problem('Say {{text}}', { text }, { allowsEmpty: true })).toBeNull();
  expect(await render('Say {{text}}.', { text })).toBe(`Say ${text ?? ''}.`);
  expect(await problem('Say {{#text}}{{text}}{{/text}}', { text })).toBeNull();
});

test.each([0, false, [], {}])('a field that is %j says something', async (text) => {
  expect(await problem('Say {{text}}', { text })).toBeNull();
});

describe('a template that prints no field', () => {
  const refusal = async (template: string, row: Row): Promise<unknown> => {
    const { check } = await compilePromptTemplate(template);
    try {
      check(row, true);
    } catch (error) {
      return error;
    }
    return null;
  };
  const placeholders = [
    ...[
      '{text}',
      '{ text }',
      '${text}',
      '#{text}',
      '%{text}',
      '{text!r}',
      '{text:>10}',
      '{row.text}',
      '{row[text]}',
      '${row.text}',
    ],
    ...[
      '{% if text %}x{% endif %}',
      '{%- for t in text -%}',
      '<text>',
      '<<text>>',
      '%text%',
      '%(text)s',
      '[text]',
      '[[text]]',
      '$text',
    ],
  ];

  test.each(placeholders)('is refused, and %s is taken for what was meant', async (placeholder) => {
    const error = await refusal(`Classify: ${placeholder}.`, { id: 1, text: 'x' });
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      message: '--prompt-template prints no field: did you mean {{text}}?',
      hint: 'Every request would be the same. Print a field as {{name}}; the first row has: id, text',
    });
  });

  test.each([
    'Classify: it',
    '{"text": "a"}',
    '',
    '{{! text }}',
    'rubric.txt',
    'the text, {the text}, {"a": {"text": 1}}',
  ])('%j is refused, and nothing is proposed', async (template) => {
    expect(await refusal(template, { text: 'x' })).toMatchObject({ message: '--prompt-template prints no field' });
  });

  test.each([
    '{{text}}',
    '{{{text}}}',
    '{{&text}}',
    '{{ text }}',
    '{{#text}}a{{/text}}',
    '{{^text}}a{{/text}}',
    '{{=<% %>=}}<%text%>',
    '{{.}}',
  ])('%s prints one', async (template) => {
    expect(await refusal(template, { text: 'x' })).toBeNull();
  });

  test('is refused as well where it is made of sections that no row has', async () => {
    const { check, checkUse } = await compilePromptTemplate('Classify.{{#txet}} Text: {{txet}}{{/txet}}');
    checkUse();
    check({ text: 'x' }, true);
    expect(checkUse).toThrow(
      '--prompt-template prints no field of any row: no field "txet"; the row has: text; did you mean "text"?',
    );
    check({ txet: 'x' }, true);
    checkUse();
  });
});

describe('it is noted once', () => {
  const notesOf = async (template: string, rows: Row[], isFilled = true): Promise<string[]> => {
    const notes: string[] = [];
    const { check } = await compilePromptTemplate(template, { note: (text) => notes.push(text) });
    for (const row of rows) check(row, isFilled);
    return notes;
  };
  const row = { text: 'x', name: 'Ada', score: 1 };

  test.each([
    ['{name}: {{text}}', '{name}', 'name'],
    ['{text} is {{text}}', '{text}', 'text'],
    ['Hello <name>: {{text}}', '<name>', 'name'],
    ['%name%: {{text}}', '%name%', 'name'],
  ])('that %s sends a placeholder as it is', async (template, written, name) => {
    expect(await notesOf(template, [{ text: 'x' }, row, row])).toEqual([
      `--prompt-template: ${written} is sent as it is: {{${name}}} prints the field`,
    ]);
  });

  test.each([
    '<text>{{text}}</text> <name>Ada</name>',
    'Answer as {"score": 1} or {"name": "x"}: {{text}}',
    'Use {place} and <br>: {{text}}',
    '[text] and $text and %text%: {{text}}',
    'function f() { return score; } {{text}}',
  ])('but not of %s', async (template) => {
    expect(await notesOf(template, [row])).toEqual([]);
  });

  test('that the template does not apply to lines that are requests', async () => {
    expect(await notesOf('{{text}}', [row, row], false)).toEqual([
      'a line is a request of its own: --prompt-template does not apply to such lines',
    ]);
  });
});

test('a template that does not parse is refused with what is wrong', async () => {
  await expect(compilePromptTemplate('{{#open}} never closed')).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringContaining('Unclosed section "open"'),
  });
});

test('what every object inherits is no field, in a section either', async () => {
  const row = { name: 'Bob', list: [['a'], { b: 1 }], job: { title: 'dev' } };
  expect(await render('<{{#name}}{{toString}}{{constructor}}{{/name}}>', row)).toBe('<>');
  expect(await render('<{{#list}}{{toString}}{{map}}{{hasOwnProperty}}{{/list}}>', row)).toBe('<>');
  expect(await render('<{{#job}}{{title}}{{valueOf}}{{/job}}>', row)).toBe('<dev>');
  expect(await render('<{{#toString}}x{{/toString}}{{^valueOf}}none{{/valueOf}}>', row)).toBe('<none>');
});

test('lists and objects in a section are printed as JSON', async () => {
  const row = { list: [['a', { b: 1 }]], job: { skills: ['x'] } };
  expect(await render('{{#list}}{{.}}{{/list}} {{#job}}{{skills}}{{/job}}', row)).toBe('["a",{"b":1}] ["x"]');
});

test.each(['{{> other}}', '{{#a}}{{#b}}{{> other}}{{/b}}{{/a}}'])(
  '%s is refused, for there is no other template',
  async (template) => {
    await expect(compilePromptTemplate(template)).rejects.toThrow(
      '{{> other}} names another template, and there is none',
    );
  },
);
