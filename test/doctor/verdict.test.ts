import { expect, test } from 'vitest';
import { diagnose } from '../../src/doctor/diagnose.ts';
import type { SystemReport } from '../../src/doctor/examine-system.ts';
import { model } from '../backends/ollama/doctor/sample-search.ts';
import { bareSystem, system } from './sample-system.ts';

const verdict = (subject: SystemReport): string => diagnose(subject).verdict.text;
const [embedded, files] = ['3.22.1', ['smol.gguf']];
const served = { url: 'http://127.0.0.1:8080/v1', kind: 'llamacpp', failure: null, load: null } as const;
const server = (namedBy: 'port' | '--base-url') => ({
  servers: [{ ...served, namedBy, models: [{ name: 'judge-7b', contextTokens: null }] }],
});
const nobody = { serving: [], reasons: ['llama-cpp takes a GGUF file', 'ollama has no server at http://x'] };

test('without a model it begins with one that is here', () => {
  expect(verdict(bareSystem({ embedded, files }))).toBe(
    'Ready: llama-cpp. Try: llmbatch run questions.jsonl -m smol.gguf',
  );
  expect(verdict(bareSystem({ embedded }))).toBe('Ready: llama-cpp. Try: llmbatch run questions.jsonl -m x.gguf');
  const embedder = model({ name: 'minilm', capabilities: ['embedding'], weightsBytes: 1, loaded: null });
  const ollama = { models: [embedder, model({ name: 'gemma3:4b', loaded: null })] };
  expect(verdict(system({ ollama, embedded: null }))).toBe(
    'Ready: ollama. Try: llmbatch run questions.jsonl -m gemma3:4b',
  );
});

test('of a model that is served it names all engines, and keeps the flags of the call for the one that it proposes', () => {
  const flags = { server: ['--host', 'box:1'], option: ['--option', 'num_thread=1'] };
  const search = { flags, named: ['ollama'], search: { serving: ['ollama'], reasons: [] } };
  expect(verdict(system({ asked: { model: 'gemma3:4b' }, search }))).toBe(
    'Ready: ollama. Try: llmbatch run questions.jsonl -m gemma3:4b --host box:1 --option num_thread=1',
  );
  const ofFile = {
    ...search,
    flags: { ...flags, server: [] },
    named: [],
    search: { serving: ['llama-cpp'], reasons: [] },
  };
  expect(verdict(system({ asked: { model: 'smol.gguf' }, search: ofFile }))).toBe(
    'Ready: llama-cpp. Try: llmbatch run questions.jsonl -m smol.gguf',
  );
});

test('a server at a usual port is named to the run', () => {
  const asked = { asked: { model: 'judge-7b' }, search: { search: nobody } };
  expect(verdict(bareSystem({ ...asked, embedded, openai: server('port') }))).toBe(
    'Ready: openai. Try: llmbatch run questions.jsonl -m judge-7b --base-url http://127.0.0.1:8080/v1',
  );
});

test('where servers are named it proposes no model of another engine', () => {
  const flags = { server: ['--base-url', 'http://127.0.0.1:8080/v1'], option: [] };
  const search = { flags, named: ['openai'] };
  expect(verdict(bareSystem({ embedded, files, search, openai: server('--base-url') }))).toBe(
    'Ready: openai. Try: llmbatch run questions.jsonl -m judge-7b --base-url http://127.0.0.1:8080/v1',
  );
});

test('a model that no engine serves is one error that says what was looked at, and the last line what lies near', () => {
  const subject = bareSystem({ embedded, files, asked: { model: 'smol' }, search: { search: nobody } });
  const { findings, verdict: last } = diagnose(subject);
  expect(findings.map(({ level, text, fix }) => [level, text, fix.split('\n').slice(1)])).toEqual([
    ['error', 'no engine here serves the model "smol"', nobody.reasons],
  ]);
  expect(last).toEqual({
    isReady: false,
    text: 'Not ready: see the error above. Or try: llmbatch run questions.jsonl -m smol.gguf',
    command: 'llmbatch run questions.jsonl -m smol.gguf',
  });
});

test('what is not ready, and has nothing near, ends with the same question for later', () => {
  const flags = { server: ['--host', 'box:1'], option: [] };
  const subject = bareSystem({ embedded, asked: { model: 'other' }, search: { flags, search: nobody } });
  expect(verdict(subject)).toBe('Not ready: fix the error above, then try: llmbatch doctor -m other --host box:1');
  expect(verdict(bareSystem())).toBe('Not ready: fix the error above, then try: llmbatch doctor');
});
