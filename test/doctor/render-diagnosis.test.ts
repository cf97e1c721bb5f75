import { expect, test } from 'vitest';
import { diagnose } from '../../src/doctor/diagnose.ts';
import type { SystemReport } from '../../src/doctor/examine-system.ts';
import { renderDiagnosis } from '../../src/doctor/render-diagnosis.ts';
import { loaded, model, probe, settings } from '../backends/ollama/doctor/sample-search.ts';
import { bareSystem, system } from './sample-system.ts';

const render = (subject: SystemReport): string => renderDiagnosis(diagnose(subject));

test('a server with one slot', () => {
  const other = model({
    name: 'all-minilm',
    family: 'bert',
    parameters: '23M',
    quantisation: 'F16',
    trainedTokens: null,
    loaded: null,
  });
  const subject = system({
    ollama: { models: [model(), other], probe: probe({ slots: 1 }), settings: settings({}, 'command') },
  });
  expect(render(subject)).toMatchInlineSnapshot(`
    "llmbatch 0.1.0 · Node 20.20.2 · linux x64
    GPU        NVIDIA GeForce RTX 4080, 16.0 GiB, 10.0 GiB free; driver 560.35.03
    ollama     0.34.0 at http://127.0.0.1:11434, 1 slot of 4,096 tokens (probed with
               gemma3:4b, 400 ms)
               set where it is started: LLAMA_ARG_CACHE_RAM=0
               as usual: OLLAMA_NUM_PARALLEL OLLAMA_CONTEXT_LENGTH OLLAMA_KEEP_ALIVE
               OLLAMA_KV_CACHE_TYPE OLLAMA_FLASH_ATTENTION OLLAMA_MAX_LOADED_MODELS
               OLLAMA_MAX_QUEUE LLAMA_ARG_SWA_FULL
               gemma3:4b   4.3B Q4_K_M, gemma3, 3.0 GiB, trained on 131,072 tokens;
               loaded with 4,096 tokens, on the GPU
               all-minilm  23M F16, bert, 3.0 GiB, trained on n/a tokens
    llama-cpp  node-llama-cpp 3.22.1, computes on CUDA
               a run takes this library (server=off); --option server=auto takes it
               too: no llama-server is on the PATH or in an Ollama
    openai     nothing at OPENAI_BASE_URL (not set) nor at ports 8000, 8080 of this
               machine
    vllm       no vLLM in python3 (3.11.7): pip install vllm

    warning  the server works on one request at a time: others only wait; 3 more
             slots of 4,096 tokens would take 1.5 GiB (estimated: 128.0 KiB of KV
             cache a token), and 10.0 GiB of GPU memory is free
             fix: OLLAMA_NUM_PARALLEL=4 when you start the server

    To set this for the Ollama server, end it and start it so:
      LLAMA_ARG_CACHE_RAM=0 OLLAMA_NUM_PARALLEL=4 ollama serve

    Ready: ollama. Try: llmbatch run questions.jsonl -m gemma3:4b
    "
  `);
});

test('a machine without any engine', () => {
  expect(render(bareSystem({ python: { version: null, failure: 'it is not there' } }))).toMatchInlineSnapshot(`
    "llmbatch 0.1.0 · Node 20.20.2 · linux x64
    GPU        none found (no nvidia-smi, and no card of AMD)
    ollama     nothing answers at http://127.0.0.1:11434; no command ollama on the
               PATH
    llama-cpp  not installed: npm install node-llama-cpp
    openai     nothing at OPENAI_BASE_URL (not set) nor at ports 8000, 8080 of this
               machine
    vllm       no Python: python3: it is not there

    error    there is no engine on this machine that can run a batch
             fix: npm install node-llama-cpp, or Ollama
                  (https://ollama.com/download)

    Not ready: fix the error above, then try: llmbatch doctor
    "
  `);
});

test('on a narrow terminal it is broken at words', () => {
  const diagnosis = diagnose(bareSystem({ python: { version: null, failure: 'it is not there' } }));
  const [wide, narrow] = [renderDiagnosis(diagnosis), renderDiagnosis(diagnosis, 60)];
  expect(narrow.split('\n').filter((line) => line.length > 60)).toEqual([]);
  expect(narrow.split(/\s+/)).toEqual(wide.split(/\s+/));
});

test('servers of other kinds', () => {
  const names = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, contextTokens: null }));
  const text = render(
    system({
      gpu: { gpus: [], failure: 'no driver' },
      openai: {
        servers: [
          {
            url: 'http://127.0.0.1:8000/v1',
            namedBy: 'port',
            kind: 'vllm',
            models: [{ name: 'm', contextTokens: 8192 }],
            failure: null,
            load: null,
          },
          { url: 'http://127.0.0.1:8080/v1', namedBy: 'port', kind: null, models: names, failure: null, load: null },
        ],
      },
      python: { vllmVersion: '0.10.0' },
    }),
  );
  const flat = text.replaceAll(/\s+/g, ' ');
  expect(flat).toContain('GPU n/a: no driver');
  expect(flat).toContain('http://127.0.0.1:8000/v1, vllm: m (8,192 tokens)');
  expect(flat).toContain('http://127.0.0.1:8080/v1: a, b, c and 2 more');
  expect(flat).toContain('vLLM 0.10.0 in python3 (3.11.7), too old: 0.11.1 is needed');
});

test('what was not measured is n/a', () => {
  const text = render(system({ ollama: { probe: null, models: [model({ trainedTokens: null, loaded: null })] } }));
  expect(text).toContain('slots n/a (not probed)');
  expect(text).toContain('trained on n/a tokens');
  const failure = { kind: 'timeout', text: 'late', hint: null };
  expect(render(system({ ollama: { probe: probe({ slots: null, failure }) } }))).toContain('(the probe failed)');
});

test('the share of a model on the GPU, more slots than were tried, a model in the cloud', () => {
  const split = model({ loaded: loaded({ vramBytes: 3 * 1024 ** 3 }) });
  const cloud = model({ name: 'big:cloud', isRemote: true, loaded: null });
  const flat = render(system({ ollama: { models: [split, cloud], probe: probe({ slots: 16, loadMs: 2000 }) } }));
  const text = flat.replaceAll(/\s+/g, ' ');
  expect(text).toContain('3.0 GiB of 4.0 GiB on the GPU');
  expect(text).toContain(
    '16 slots of 4,096 tokens (probed with gemma3:4b, 400 ms, loaded for it in 2.0 s, maybe more)',
  );
  expect(text).toContain('gemma3, in the cloud, trained');
});

test('texts of servers steer no terminal, and lines stay within 80 columns', () => {
  const models = [model({ name: 'evil\u001B[2J\n\u202E', family: 'x\u009B31m', hasOneSlot: true })];
  const text = render(system({ ollama: { models, probe: null, version: '0.33.0', settings: null, isLocal: false } }));
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('a command of the verdict that does not fit stands on a line of its own', () => {
  const diagnosis = diagnose(bareSystem());
  const command = `llmbatch run requests.jsonl -m /${'x'.repeat(60)}.gguf`;
  const verdict = { isReady: false, text: `Not ready: fix the error above, then try: ${command}`, command };
  expect(renderDiagnosis({ ...diagnosis, verdict })).toContain(
    `\n\nNot ready: fix the error above, then try:\n${command}\n`,
  );
});
