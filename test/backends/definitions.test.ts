import { Option } from 'commander';
import { describe, expect, test } from 'vitest';
import { echoBackend } from '../../examples/echo-backend.ts';
import { backends } from '../../src/backends/index.ts';

describe.each([...backends, echoBackend])('the definition of $name', ({ connection = {}, optionsHelp, summary }) => {
  test('names the value of each connection flag as the flag is spelled', () => {
    for (const [name, { flag }] of Object.entries(connection)) expect(new Option(flag).attributeName()).toBe(name);
  });

  test('describes itself, its flags and its options in one line each', () => {
    const texts = [summary, ...Object.values(optionsHelp), ...Object.values(connection).map(({ help }) => help)];
    for (const text of texts) expect(text).toMatch(/^\S.*\S$/);
  });
});

test('a connection flag that several backends list is one object', () => {
  const flags = backends.flatMap(({ connection = {} }) => Object.entries(connection));
  const first = new Map(flags.toReversed());
  for (const [name, flag] of flags) expect(first.get(name)).toBe(flag);
});

/** Where none of the engines is found. */
const nowhere = { OLLAMA_HOST: '127.0.0.1:9', LLMBATCH_PYTHON: '/no/such/python', PATH: '' };

test('each engine adds keys of its own to the JSON of doctor', async () => {
  const doctors = [...backends, echoBackend].flatMap(({ doctor }) => doctor ?? []);
  const request = { connection: {}, environment: nowhere, model: null, options: {}, otherServers: [] };
  const found = await Promise.all(
    doctors.map((doctor) => doctor.examine({ ...request, wantsProbe: false, onNotice: () => undefined })),
  );
  const keys = found.map(({ json }) => Object.keys(json));
  for (const ofOne of keys) expect(ofOne).not.toHaveLength(0);
  expect(keys.length).toBeGreaterThan(4);
  const all = [...keys.flat(), 'llmbatch', 'asked', 'engines', 'gpu', 'usable', 'findings', 'howToSet', 'verdict'];
  expect(new Set(all).size).toBe(all.length);
});

test('no two backends have the same name', () => {
  const names = backends.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
