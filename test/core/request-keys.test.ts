import { describe, expect, test } from 'vitest';
import { isNeutral, keyMeantBy, requestKeys } from '../../src/core/request-keys/request-keys.ts';

describe('the table of request keys', () => {
  test('calls only values neutral that the key can have', () => {
    const wrong = [...requestKeys].flatMap(([name, { type, neutral = [] }]) =>
      neutral.filter((value) => !type.accepts(value)).map((value) => `${name}: ${JSON.stringify(value)}`),
    );
    expect(wrong).toEqual([]);
  });

  test('says of each key that no engine has which one to write instead', () => {
    const silent = [...requestKeys].filter(([, { isForeign, instead }]) => isForeign && instead === undefined);
    expect(silent).toEqual([]);
  });

  test.each([
    ['tools', []],
    ['service_tier', 'auto'],
    ['n', 1],
    ['logit_bias', {}],
    ['max_tokens', null],
    ['no_such_key', null],
    ['user', 'ann'],
    ['sampling_params', null],
    ['extra_body', {}],
  ])('knows that %s: %j changes nothing', (name, value) => {
    expect(isNeutral(name, value)).toBe(true);
  });

  test.each([
    ['tools', [{}]],
    ['n', 2],
    ['temperature', 0],
    ['no_such_key', []],
  ])('does not take %s: %j for nothing', (name, value) => {
    expect(isNeutral(name, value)).toBe(false);
  });

  test.each([
    ['temprature', 'temperature'],
    ['Temperature', 'temperature'],
    ['max-tokens', 'max_tokens'],
    ['max_token', 'max_tokens'],
    ['modle', 'model'],
    ['mesages', 'messages'],
    ['response_fromat', 'response_format'],
  ])('knows what %s is meant to be: %s', (name, meant) => {
    expect(keyMeantBy(name)).toBe(meant);
  });

  test.each([
    'text',
    'title',
    'name',
    'tags',
    'label',
    'question',
    'topic',
    'temperature',
    'image',
    'step',
    'note',
    'users',
  ])('takes %s for no slip of the finger', (name) => {
    expect(keyMeantBy(name)).toBeNull();
  });
});
