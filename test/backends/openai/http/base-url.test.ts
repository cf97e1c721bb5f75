import { expect, test } from 'vitest';
import { openaiPlace } from '../../../../src/backends/openai/http/base-url.ts';

const place = (baseUrl: string | null, environment: NodeJS.ProcessEnv = {}) =>
  openaiPlace({ connection: { baseUrl }, environment });

test.each([
  ['http://127.0.0.1:8000', 'http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000'],
  ['http://127.0.0.1:8000/', 'http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000'],
  [' http://127.0.0.1:8000/v1/ ', 'http://127.0.0.1:8000/v1', 'http://127.0.0.1:8000'],
  ['HTTPS://API.openai.com/v1', 'https://api.openai.com/v1', 'https://api.openai.com'],
  ['https://api.groq.com/openai/v1', 'https://api.groq.com/openai/v1', 'https://api.groq.com/openai'],
  ['https://g.example/v1beta/openai/', 'https://g.example/v1beta/openai', 'https://g.example/v1beta/openai'],
  ['http://[::1]:8000/v1/chat/completions', 'http://[::1]:8000/v1', 'http://[::1]:8000'],
])('%s', (text, url, root) => {
  expect(place(text)).toMatchObject({ url, root });
});

test('the flag beats the variable, and one of them is wanted', () => {
  expect(place(null, { OPENAI_BASE_URL: 'http://a:1' }).url).toBe('http://a:1/v1');
  expect(place('http://b:2', { OPENAI_BASE_URL: 'http://a:1' }).url).toBe('http://b:2/v1');
  expect(() => place(null)).toThrow('no OpenAI-compatible server is named');
  expect(() => place(null, { OPENAI_BASE_URL: ' ' })).toThrow('no OpenAI-compatible server is named');
});

test.each(['127.0.0.1:8000', 'localhost:8000', 'ftp://a/v1', 'http://'])('%s is refused', (text) => {
  expect(() => place(text)).toThrow(`"${text}" is not an http(s) address of a server`);
});

test.each([
  'http://user:secret@127.0.0.1/v1',
  'user:secret@127.0.0.1',
  'https://secret@a/v1',
  'http://a/v1?key=secret',
])('what may be secret in an address is refused, and not repeated', (text) => {
  expect(() => place(text)).toThrow(/^the base URL (holds a user name|has more than a path)/);
  expect(() => place(text)).not.toThrow(/secret/);
});

test.each([
  ['http://127.0.0.1:1', true],
  ['http://localhost:1', true],
  ['http://[::1]:1', true],
  ['http://127.0.0.1.example.org', false],
  ['http://192.168.0.2:1', false],
])('%s is on this machine: %s', (text, isLocal) => {
  expect(place(text).isLocal).toBe(isLocal);
});

test('the key comes from the environment, and can be sent', () => {
  expect(place('http://a', { OPENAI_API_KEY: ' sk-1\n' }).key).toBe('sk-1');
  expect(place('http://a', { OPENAI_API_KEY: '' }).key).toBeNull();
  expect(() => place('http://a', { OPENAI_API_KEY: 'sk\n-secret' })).toThrow(/^OPENAI_API_KEY contains a character/);
});
