import { describe, expect, test } from 'vitest';
import { ollamaHost } from '../../../../src/backends/ollama/http/host.ts';

const read = (text: string | undefined, environment: NodeJS.ProcessEnv = {}) =>
  ollamaHost({ connection: {}, environment: { ...environment, ...(text === undefined ? {} : { OLLAMA_HOST: text }) } });

describe('OLLAMA_HOST', () => {
  test.each([
    [undefined, 'http://127.0.0.1:11434'],
    ['', 'http://127.0.0.1:11434'],
    ['1.2.3.4', 'http://1.2.3.4:11434'],
    ['1.2.3.4:5', 'http://1.2.3.4:5'],
    [':56789', 'http://127.0.0.1:56789'],
    ['example.com', 'http://example.com:11434'],
    ['example.com:1234', 'http://example.com:1234'],
    ['http://1.2.3.4', 'http://1.2.3.4:80'],
    ['https://1.2.3.4', 'https://1.2.3.4:443'],
    ['HTTPS://example.com', 'https://example.com:443'],
    ['https://1.2.3.4:1234', 'https://1.2.3.4:1234'],
    ['example.com/ollama', 'http://example.com:11434/ollama'],
    ['https://example.com/a/b/', 'https://example.com:443/a/b'],
    ['http://example.com:80//', 'http://example.com:80'],
    ['[::1]', 'http://[::1]:11434'],
    ['[::1]:1337', 'http://[::1]:1337'],
    ['::1', 'http://[::1]:11434'],
    ['2001:db8::7', 'http://[2001:db8::7]:11434'],
    ['https://[2001:db8::7]', 'https://[2001:db8::7]:443'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:4000', 'http://127.0.0.1:4000'],
    ['http://0.0.0.0', 'http://127.0.0.1:80'],
    ['::', 'http://[::1]:11434'],
    ['[::]:4000', 'http://[::1]:4000'],
    ['0:0:0:0:0:0:0:0', 'http://[::1]:11434'],
    [' "1.2.3.4" ', 'http://1.2.3.4:11434'],
    ["'example.com:99'", 'http://example.com:99'],
    ['example.com:66000', 'http://example.com:11434'],
    ['example.com:-1', 'http://example.com:11434'],
    ['example.com:port', 'http://example.com:11434'],
    ['example.com:', 'http://example.com:11434'],
    ['https://example.com:99999', 'https://example.com:443'],
    ['ollama.com', 'https://ollama.com:443'],
    ['ollama.com:8080', 'http://ollama.com:8080'],
  ])('is read as Ollama reads it: %j is %s', (text, url) => {
    expect(read(text).url).toBe(url);
  });

  test('is beaten by --host', () => {
    expect(ollamaHost({ connection: { host: '1.2.3.4:5' }, environment: { OLLAMA_HOST: 'elsewhere' } }).url).toBe(
      'http://1.2.3.4:5',
    );
  });

  test.each(['ftp://1.2.3.4', 'unix:///run/ollama.sock', 'exa mple', 'http://a:b:c', 'fe80::1%eth0'])(
    'is refused, and quoted, where it is no address: %s',
    (text) => {
      expect(() => read(text)).toThrow(`"${text}" is not the address of an Ollama server`);
    },
  );

  test.each(['http://me:hush@example.com', 'me:hush@1.2.3.4:5', 'https://me:hu/sh@example.com', 'ftp://me:hush@a'])(
    'is refused with a user or a password in it, which is not repeated: %s',
    (text) => {
      expect(() => read(text)).toThrow(/^the address of the Ollama server holds a user name$/);
    },
  );
});

describe('the key of a server', () => {
  const key = { OLLAMA_API_KEY: 'secret' };

  test.each(['https://example.com', 'ollama.com', '10.0.0.7', '[2001:db8::7]'])('goes to %s', (text) => {
    expect(read(text, key)).toMatchObject({ key: 'secret', isLocal: false });
  });

  test.each([undefined, 'localhost', '127.0.0.1', '127.8.9.10:5', '::1', '0.0.0.0', '[::]'])(
    'stays here where the server is on this machine: %j',
    (text) => {
      expect(read(text, key)).toMatchObject({ key: null, isLocal: true });
    },
  );

  test('is none where it is empty', () => {
    expect(read('example.com', { OLLAMA_API_KEY: '' }).key).toBe(null);
  });
});

test('a port that is none is a mistake where --host names it, and the default one in OLLAMA_HOST', () => {
  for (const host of ['127.0.0.1:99999', 'box:port', '[::1]:x']) {
    expect(() => ollamaHost({ connection: { host }, environment: {} })).toThrow(
      'is not the address of an Ollama server',
    );
    expect(ollamaHost({ connection: {}, environment: { OLLAMA_HOST: host } }).url).toMatch(/:11434$/);
  }
  expect(ollamaHost({ connection: { host: '::1' }, environment: {} }).url).toBe('http://[::1]:11434');
});
