import { expect, test } from 'vitest';
import { chooseRoute } from '../../../src/serve/queue/choose-route.ts';

const routes = [
  { glob: 'gemma*', backend: 'one' },
  { glob: '*/qwen-?.5b', backend: 'two' },
  { glob: 'gemma-12b', backend: 'three' },
];

test.each([
  [['gemma-12b'], 'one'],
  [['org/qwen-1.5b'], 'two'],
  [['org/qwen-15b'], 'auto'],
  [['qwen-1.5b'], 'auto'],
  [['a-gemma'], 'auto'],
  [['Gemma-4b'], 'auto'],
  [['gemma-4b', 'gemma-12b'], 'one'],
  [[], 'auto'],
])('the first route that fits %j gives %s', (models, backend) => {
  expect(chooseRoute(models, routes, 'auto')).toBe(backend);
});

test('signs of a pattern in a glob are themselves', () => {
  expect(chooseRoute(['a.b'], [{ glob: 'a.b', backend: 'one' }], 'auto')).toBe('one');
  expect(chooseRoute(['axb'], [{ glob: 'a.b', backend: 'one' }], 'auto')).toBe('auto');
  expect(chooseRoute(['a(b)[c]'], [{ glob: 'a(b)[?]', backend: 'one' }], 'auto')).toBe('one');
});

test('models for different engines are refused, as a run has one', () => {
  expect(() => chooseRoute(['gemma-4b', 'org/qwen-1.5b'], routes, 'auto')).toThrow(
    'its models are for different engines: gemma-4b for one, org/qwen-1.5b for two',
  );
  expect(() => chooseRoute(['phi', 'gemma-4b'], routes, 'auto')).toThrow('phi for auto, gemma-4b for one');
});
