import { describe, expect, test } from 'vitest';
import type { BackendDefinition, Served } from '../../../src/core/backend.ts';
import { NoEngineError } from '../../../src/core/errors.ts';
import { mockBackend } from '../../../src/backends/mock/index.ts';
import { backends } from '../../../src/backends/index.ts';
import { checkOptions, chooseBackend, findBackend } from '../../../src/run/choose/choose-backend.ts';
import { nowhere as place } from '../../helpers/open-request.ts';

const nowhere = { connections: [{}], environment: { ...place.environment, OLLAMA_HOST: '127.0.0.1:9' } };

describe('the backend', () => {
  test('is the one that was asked for, whatever the models', async () => {
    expect(await chooseBackend(backends, 'mock', ['anything'], nowhere)).toMatchObject({
      definition: { name: 'mock' },
    });
  });

  test('is else the first that serves every model, and the reason names them', async () => {
    const choice = await chooseBackend(backends, 'auto', ['mock', 'mock:other'], nowhere);
    expect([choice.definition.name, choice.reason]).toEqual(['mock', 'it serves mock, mock:other']);
    expect((await chooseBackend(backends, 'auto', ['tiny-scorer'], nowhere)).definition.name).toBe('llama-cpp');
  });

  test('is none where no engine serves all models', async () => {
    await expect(chooseBackend(backends, 'auto', ['mock', 'tiny-scorer'], nowhere)).rejects.toThrow(NoEngineError);
  });

  test('is none yet where one that may serve them is away, even beside others that do not', async () => {
    const isAway = async (...answers: Served[]): Promise<boolean> => {
      const all = answers.map((served) => ({ ...mockBackend, serves: () => served }));
      const error: unknown = await chooseBackend(all, 'auto', ['m'], nowhere).catch((thrown: unknown) => thrown);
      return error instanceof NoEngineError && error.isAway;
    };
    expect(await isAway('has it not', { away: 'has no server' }, false)).toBe(true);
    expect(await isAway('has it not', false)).toBe(false);
  });

  test('is among several servers the one of which one has the model, and none that is not named', async () => {
    const asked: unknown[] = [];
    const serverOf = (name: string, flag: string, model: string): BackendDefinition => ({
      ...mockBackend,
      name,
      connection: { [flag]: { flag: `--${flag} <address>`, help: '', names: 'server', parse: (value) => value } },
      serves: (wanted, { connection }) => {
        asked.push([name, connection]);
        return wanted === model && connection[flag] === 'right';
      },
    });
    const all = [serverOf('here', 'here', 'm'), mockBackend, serverOf('there', 'there', 'm')];
    const connections = [{ there: 'wrong' }, { there: 'right' }];
    const choice = await chooseBackend(all, 'auto', ['m'], { connections, environment: {} });
    expect(choice.definition.name).toBe('there');
    expect(asked).toEqual([
      ['there', { there: 'wrong' }],
      ['there', { there: 'right' }],
    ]);
    await expect(chooseBackend(all, 'auto', ['mock'], { connections, environment: {} })).rejects.toThrow('no engine');
  });

  test('of a wrong name is told with the near one, or with all', () => {
    expect(() => findBackend(backends, 'lama-cpp')).toThrow(
      expect.objectContaining({ hint: 'Did you mean llama-cpp?' }),
    );
    expect(() => findBackend(backends, 'something')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('mock') }),
    );
  });
});

describe('an option of a backend', () => {
  test('is checked before the engine is opened', async () => {
    await expect(checkOptions(mockBackend, { latency_ms: 5 })).resolves.toBeUndefined();
    await expect(checkOptions(mockBackend, { latency_ms: -5 })).rejects.toThrow(
      "--option latency_ms can't be -5: it must be at least 0",
    );
    await expect(checkOptions(mockBackend, { latency: 5 })).rejects.toThrow('mock has no option "latency"');
  });

  test('of an engine without options is told that there are none', async () => {
    const bare: BackendDefinition = { ...mockBackend, optionsHelp: {} };
    await expect(checkOptions(bare, { latency: 5 })).rejects.toMatchObject({
      hint: 'It has none: leave --option out.',
    });
  });
});
