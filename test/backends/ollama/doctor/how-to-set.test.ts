import { expect, test } from 'vitest';
import { type Finding, settingFinding } from '../../../../src/core/doctor/finding.ts';
import type { FindingContext } from '../../../../src/backends/ollama/doctor/find-ollama.ts';
import { howToSet } from '../../../../src/backends/ollama/doctor/how-to-set.ts';
import { examined, settings } from './sample-search.ts';

const slots = settingFinding('warning', 'ollama-one-slot', 'one slot', { name: 'OLLAMA_NUM_PARALLEL', value: '4' });
const cache = settingFinding('hint', 'ollama-ram-cache', 'a cache', { name: 'LLAMA_ARG_CACHE_RAM', value: '0' });
const how = (findings: Finding[], ollama: Partial<FindingContext['ollama']> = {}): string =>
  howToSet(findings, examined({ ollama })).join('\n');

test('a service is told by its own file, all settings at once', () => {
  expect(how([slots, cache, slots])).toBe(`To set these for the Ollama server:
  sudo systemctl edit ollama
    [Service]
    Environment="OLLAMA_NUM_PARALLEL=4"
    Environment="LLAMA_ARG_CACHE_RAM=0"
  sudo systemctl restart ollama`);
});

test('a server that was started by hand keeps its port and what it was told before', () => {
  const seen = settings({ OLLAMA_NUM_PARALLEL: '1', OLLAMA_KEEP_ALIVE: '1h', LLAMA_ARG_CACHE_RAM: null }, 'command');
  expect(how([slots], { settings: seen, url: 'http://127.0.0.1:11500' })).toBe(
    `To set this for the Ollama server, end it and start it so:
  OLLAMA_HOST=127.0.0.1:11500 OLLAMA_KEEP_ALIVE=1h OLLAMA_NUM_PARALLEL=4 ollama serve`,
  );
});

test('both ways are shown where the server can not be looked at', () => {
  const text = how([slots], { settings: null });
  expect(text).toContain('sudo systemctl edit ollama');
  expect(text).toContain('\n  OLLAMA_NUM_PARALLEL=4 ollama serve');
  expect(how([slots], { settings: null, isLocal: false, url: 'http://gpu-box:1234' })).toMatch(
    /^.*, on its machine:\n/,
  );
});

test('on a Mac by launchctl, on Windows by setx', () => {
  const on = (platform: string): string[] =>
    howToSet([slots], examined({ machine: { platform }, ollama: { settings: null } }));
  expect(on('darwin')[1]).toBe('  launchctl setenv OLLAMA_NUM_PARALLEL 4');
  expect(on('win32')[1]).toBe('  setx OLLAMA_NUM_PARALLEL 4');
});

test('nothing to set, nothing to say', () => {
  expect(how([])).toBe('');
});
