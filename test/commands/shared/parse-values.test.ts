import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as parse from '../../../src/commands/shared/parse-values.ts';

describe('a duration', () => {
  test('is a number and a unit', () => {
    const values = ['500ms', '2s', '1.5s', '5m', '1h'].map(parse.parseDuration);
    expect(values).toEqual([500, 2000, 1500, 300_000, 3_600_000]);
  });

  test.each(['', '5', 's', '0s', '-1s', '5 s', '5d', '1e3s', 's5', '5sm'])('is not "%s"', (text) => {
    expect(() => parse.parseDuration(text)).toThrow('Expected a duration');
  });
});

test('a sample is a number of requests, or a time', () => {
  expect(['200', '5m', '1.5s'].map(parse.parseSample)).toEqual([{ requests: 200 }, { ms: 300_000 }, { ms: 1500 }]);
  for (const text of ['', '0', '-1', '1.5', '5d', '0s'])
    expect(() => parse.parseSample(text)).toThrow('Expected a whole');
});

describe('a number', () => {
  test('of things is whole, from 1 or from 0', () => {
    expect([parse.parseCount('1'), parse.parseCountOrZero('0'), parse.parseInteger('-3')]).toEqual([1, 0, -3]);
    for (const text of ['0', '-1', '1.5', '1e3', '', 'x', '0x10'])
      expect(() => parse.parseCount(text)).toThrow('from 1');
    for (const text of ['-1', '1.5', '']) expect(() => parse.parseCountOrZero(text)).toThrow('from 0');
    for (const text of ['1.5', '', 'x']) expect(() => parse.parseInteger(text)).toThrow('whole number');
  });

  test('of workers may be auto', () => {
    expect([parse.parseWorkers('auto'), parse.parseWorkers('8')]).toEqual([null, 8]);
    expect([parse.parseWorkersFlag('auto'), parse.parseWorkersFlag('8')]).toEqual(['auto', 8]);
    expect(() => parse.parseWorkers('0')).toThrow('or auto');
  });

  test('is finite', () => {
    expect([parse.parseNumber('0.7'), parse.parseNumber('-1e3')]).toEqual([0.7, -1000]);
    for (const text of ['', ' ', 'x', 'Infinity', 'NaN']) expect(() => parse.parseNumber(text)).toThrow('a number');
  });
});

describe('a shard', () => {
  test('is its number, from 1, of so many', () => {
    expect(['1/1', '2/3', '3/3'].map(parse.parseShard)).toEqual([
      { index: 1, count: 1 },
      { index: 2, count: 3 },
      { index: 3, count: 3 },
    ]);
  });

  test.each(['0/3', '4/3', '1/0', '0/0', 'a/b', '2', '2/', '/3', '', '1/3/3', '-1/3', '1.5/3', ' 1/3', '1/99999999'])(
    'is not "%s"',
    (text) => {
      expect(() => parse.parseShard(text)).toThrow('Expected i/n with i from 1 to n');
    },
  );
});

test('how to think is a word, or a number of tokens', () => {
  const texts = ['off', 'false', 'none', '0', 'on', 'true', 'low', 'medium', 'high', '1000'];
  const [off, on] = [false, true];
  expect(texts.map(parse.parseThinking)).toEqual([off, off, off, off, on, on, 'low', 'medium', 'high', 1000]);
  for (const text of ['', 'x', '-1', '1.5', 'max', 'On'])
    expect(() => parse.parseThinking(text)).toThrow('Expected off');
});

describe('a share', () => {
  test('is from 0 to 1, or from 0% to 100%', () => {
    expect(['0', '0.2', '1', '0%', '20%', '100%'].map(parse.parseShare)).toEqual([0, 0.2, 1, 0, 0.2, 1]);
    for (const text of ['', '%', '-0.1', '1.1', '101%', 'x']) expect(() => parse.parseShare(text)).toThrow('a share');
  });
});

describe('--vram-limit', () => {
  test('is a size, a share of the card, or a word', () => {
    const limits = ['14GiB', '14GB', '500MiB', '1.5MB', '87.5%', '100%', 'none', 'auto'].map(parse.parseVramLimit);
    const sizes = [14 * 1024 ** 3, 14e9, 500 * 1024 ** 2, 1.5e6].map((bytes) => ({ bytes }));
    expect(limits).toEqual([...sizes, { share: 0.875 }, { share: 1 }, 'none', 'auto']);
  });

  test.each(['', '14', '14G', '14 GiB', '0GiB', '0%', '101%', '-5%', '0.9', 'GiB', 'all'])('is not "%s"', (text) => {
    expect(() => parse.parseVramLimit(text)).toThrow('Expected a size such as 14GiB');
  });
});

describe('--option', () => {
  test('takes numbers and truth values as such, and everything else as text', () => {
    const texts = ['a=1', 'b=-0.5', 'c=true', 'd=false', 'e=text:x=y', 'f=', 'g=1e3', 'h=007x'];
    const options = texts.reduce<parse.OptionValues>((known, text) => parse.collectOption(text, known), {});
    expect(options).toEqual({ a: 1, b: -0.5, c: true, d: false, e: 'text:x=y', f: '', g: '1e3', h: '007x' });
  });

  test('needs a key', () => {
    for (const text of ['', 'a', '=1']) expect(() => parse.collectOption(text, {})).toThrow('key=value');
  });

  test('keeps any text that is no number', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^-?\d+(\.\d+)?$|^true$|^false$/.test(text));
        expect(parse.collectOption(`name=${text}`, {})).toEqual({ name: text });
      }),
    );
  });
});

test('--priority takes the last = as its own, since a path may hold one', () => {
  expect(parse.collectPriority('a=b.jsonl=2', { c: 1 })).toEqual({ c: 1, 'a=b.jsonl': 2 });
  expect(() => parse.collectPriority('a.jsonl', {})).toThrow('input=number');
  expect(() => parse.collectPriority('a.jsonl=high', {})).toThrow('a number');
});

test('a secret is no option, since options are kept in files; it is not repeated', () => {
  for (const name of ['hf_token', 'api_key', 'apiKey', 'secret', 'db-password', 'HF_TOKEN']) {
    expect(() => parse.collectOption(`${name}=hush`, {})).toThrow(
      `--option ${name} is a secret, which would be stored in files`,
    );
    expect(() => parse.collectOption(`${name}=hush`, {})).not.toThrow(/hush/);
  }
  for (const name of ['tokenizer', 'max_num_batched_tokens', 'keep_alive', 'keyword'])
    expect(parse.collectOption(`${name}=x`, {})).toEqual({ [name]: 'x' });
  expect(parse.collectOption('hf_token=true', {})).toEqual({ hf_token: true });
});

test('no more is one inside the JSON of an option, but the special tokens of a model are no secrets', () => {
  for (const value of ['{"token":"hush"}', '[{"auth":{"api_key":"hush"}}]', ' {"a":{"hf_token":"hush"}}']) {
    expect(() => parse.collectOption(`hf_overrides=${value}`, {})).toThrow('contains a secret');
    expect(() => parse.collectOption(`hf_overrides=${value}`, {})).not.toThrow(/hush/);
  }
  for (const value of ['{"eos_token":"</s>"}', '{"token":true}', '{"tokens":["a"]}', '{"token"', '[1,2]'])
    expect(parse.collectOption(`hf_overrides=${value}`, {})).toEqual({ hf_overrides: value });
});
