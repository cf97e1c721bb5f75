import { expect, test } from 'vitest';
import { backends } from '../../../src/backends/index.ts';
import { findBackend } from '../../../src/run/choose/choose-backend.ts';
import { addressesOf } from '../../../src/run/choose/server-addresses.ts';

const [openai, ollama] = [findBackend(backends, 'openai'), findBackend(backends, 'ollama')];

test('a key of a server is for that one alone, in place of the usual one', () => {
  const connections = [{ baseUrl: 'http://a', apiKeyEnv: 'A' }, { baseUrl: 'http://b' }];
  const addresses = addressesOf(openai, connections, { A: 'key-a', OPENAI_API_KEY: 'key-b' });
  expect(addresses.map(({ environment }) => environment['OPENAI_API_KEY'])).toEqual(['key-a', 'key-b']);
});

test('an engine of which no server is named is one, and gets no key that is of a server', () => {
  const connections = [{ host: 'a', apiKeyEnv: 'A' }, { host: 'b' }];
  const environment = { A: 'key-a', OPENAI_BASE_URL: 'http://elsewhere' };
  expect(addressesOf(openai, connections, environment)).toEqual([{ connection: { host: 'a' }, environment }]);
  expect(addressesOf(ollama, connections, environment).map(({ connection }) => connection)).toEqual(connections);
});

test('a variable that is not set is told by its name', () => {
  expect(() => addressesOf(openai, [{ baseUrl: 'http://a', apiKeyEnv: 'A' }], {})).toThrow('the variable A');
});
