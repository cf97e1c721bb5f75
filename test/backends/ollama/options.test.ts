import { describe, expect, test } from 'vitest';
import { ollamaOptionsHelp, ollamaOptionsSchema, runnerOptions } from '../../../src/backends/ollama/options.ts';

const schema = await ollamaOptionsSchema();
const keyIn = (options: object): unknown => schema.safeParse(options).error?.issues[0];

describe('the options of Ollama', () => {
  test('may come as texts, and are accepted again as they are read', () => {
    const read = schema.parse({ num_ctx: '4096', num_gpu: '0', use_mmap: 'false', slots: ' 4 ', keep_alive: '-1' });
    expect(read).toEqual({ num_ctx: 4096, num_gpu: 0, use_mmap: false, slots: 4, keep_alive: -1 });
    expect(schema.parse(read)).toEqual(read);
  });

  test('keep the model loaded for good, unless they say otherwise', () => {
    const kept = (value: unknown): unknown => schema.parse(value === undefined ? {} : { keep_alive: value }).keep_alive;
    expect([undefined, '300', '0.5', '10m', '1h30m', '-1m', 0].map(kept)).toEqual([
      -1,
      300,
      0.5,
      '10m',
      '1h30m',
      '-1m',
      0,
    ]);
  });

  test.each([
    [{ keep_alive: 'forever' }, 'keep_alive'],
    [{ keep_alive: '' }, 'keep_alive'],
    [{ keep_alive: true }, 'keep_alive'],
    [{ num_ctx: '0' }, 'num_ctx'],
    [{ num_ctx: '4k' }, 'num_ctx'],
    [{ num_ctx: '' }, 'num_ctx'],
    [{ num_ctx: 1.5 }, 'num_ctx'],
    [{ num_thread: '-1' }, 'num_thread'],
    [{ slots: 0 }, 'slots'],
    [{ use_mmap: 'perhaps' }, 'use_mmap'],
  ])('are refused where they make no sense: %j', (options, key) => {
    expect(keyIn(options)).toMatchObject({ path: [key] });
  });

  test('are refused by name where nobody knows them', () => {
    expect(keyIn({ num_predict: 5 })).toMatchObject({ keys: ['num_predict'] });
  });

  test('are all explained', () => {
    expect(Object.keys(ollamaOptionsHelp).toSorted()).toEqual(Object.keys(schema.shape).toSorted());
  });
});

describe('the options of the loaded model', () => {
  test('are those of a runner, with the window, and can’t be changed', () => {
    const read = schema.parse({ num_ctx: 9, num_batch: 64, num_thread: 1, use_mmap: false, slots: 2, keep_alive: 5 });
    const runner = runnerOptions(read, 4096);
    expect(runner).toEqual({ num_ctx: 4096, num_batch: 64, num_thread: 1, use_mmap: false });
    expect(() => Object.assign(runner, { num_ctx: 1 })).toThrow(TypeError);
  });

  test('leave out what is not given', () => {
    expect(Object.keys(runnerOptions(schema.parse({}), 2048))).toEqual(['num_ctx']);
  });
});
