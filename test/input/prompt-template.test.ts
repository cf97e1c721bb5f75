import { expect, test } from 'vitest';
import { compilePromptTemplate } from '../../src/input/prompt-template.ts';

const render = async (template: string, row: Record<string, unknown>): Promise<string> =>
  (await compilePromptTemplate(template)).render(row);

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

test('it names the fields that it prints, outside of sections', async () => {
  const { names } = await compilePromptTemplate(
    '{{name}} {{name}} {{{a.b}}} {{#skills}}{{level}}{{/skills}} {{! no }}',
  );
  expect(names).toEqual(['name', 'a']);
});

test.each([
  [{ name: 'Ada' }, 'address.city'],
  [{ address: { city: 'Lima' } }, 'name'],
  [{ name: 'Ada', address: {} }, 'address.city'],
  [{ name: 'Ada', address: 'Lima' }, 'address.city'],
  [{ name: '', address: { city: '' } }, undefined],
])('of the row %j it misses %s', async (row, missing) => {
  const template = await compilePromptTemplate('{{name}} {{address.city}}{{#notes}}{{text}}{{/notes}}');
  expect(template.missing(row)).toBe(missing);
});

test('a field that every object has is missed as well', async () => {
  expect((await compilePromptTemplate('{{constructor}}')).missing({})).toBe('constructor');
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
