import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OpenRequest } from '../../../src/core/backend.ts';
import { type FakeVllm, fakeVllm, markedProcesses, openFakeVllm } from '../../helpers/fake-vllm.ts';
import { scratchFile, scratchFolder } from '../../helpers/scratch-folder.ts';
import { question, say } from './asking.ts';

/** The error of a start that fails. No process is left of it. */
async function failedStart(fake: FakeVllm, changes: Partial<OpenRequest> = {}): Promise<Record<string, unknown>> {
  const { environment, mark } = fakeVllm(fake);
  const error: unknown = await openFakeVllm(fake, { environment, ...changes }).then(
    () => new Error('it started'),
    (reason: unknown) => reason,
  );
  expect(await markedProcesses(mark)).toEqual([]);
  return error as Record<string, unknown>;
}

const containing = (text: string): string => expect.stringContaining(text) as string;

describe('a start that fails says why, and what to do', () => {
  test.each<[string, FakeVllm, Record<string, unknown>, string, string, string]>([
    ['KV cache', { kvTokens: 2048 }, { max_model_len: 4096 }, 'unusable', '4,096 tokens', 'max_model_len=2048'],
    ['free memory', { fault: 'free-memory' }, {}, 'unusable', 'Only 3.21 of 15.7 GiB', 'nvidia-smi'],
    ['weights', { fault: 'no-kv' }, {}, 'unusable', 'weights leave no memory', 'gpu_memory_utilization'],
    ['load', { fault: 'oom-at-load' }, {}, 'out-of-memory', 'ran out of memory', 'max_num_seqs'],
    ['memory of the machine', { platform: 'cpu', fault: 'cpu-memory' }, {}, 'unusable', '2.1 of 7.8', 'KVCACHE_SPACE'],
    ['licence', { fault: 'gated' }, {}, 'unauthorized', 'licence', 'HF_TOKEN'],
    ['no model', { fault: 'not-found' }, {}, 'model-not-found', 'no such model', 'owner/name'],
    ['no network', { fault: 'offline' }, {}, 'model-not-found', 'can not be reached', 'hf download'],
    ['code', { fault: 'remote-code' }, {}, 'unusable', 'code of its own', 'trust_remote_code=true'],
    ['architecture', { fault: 'architecture' }, {}, 'unusable', 'WibbleForCausalLM', 'pip install -U'],
    ['window', {}, { max_model_len: 9000 }, 'unusable', 'trained on 4,096', 'max_model_len=4096'],
    ['no device', { platform: 'none' }, {}, 'unusable', 'finds no GPU', 'CUDA_VISIBLE_DEVICES'],
  ])('%s', async (_name, fake, options, kind, message, hint) => {
    const error = await failedStart({ platform: 'cuda', ...fake }, { options });
    expect(error).toMatchObject({
      name: 'EngineError',
      exitCode: 4,
      kind,
      message: containing(message),
      hint: containing(hint),
    });
  });

  test('for a reason that nobody knows: the last lines, and the log', async () => {
    const logFile = join(await scratchFolder(), 'engine.log');
    const error = await failedStart({ platform: 'cuda', fault: 'die-at-load' }, { logFile });
    expect(error).toMatchObject({
      kind: 'unusable',
      message: containing('something that nobody knows'),
      hint: containing(logFile),
    });
    expect(await readFile(logFile, 'utf8')).toContain("Failed core proc(s): {'EngineCore': 3}");
  });

  test('a package that does not import', async () => {
    const error = await failedStart({ fault: 'import-error' });
    expect(error).toMatchObject({ name: 'EngineError', message: containing('libcudart.so.12') });
  });
});

describe('what is not there', () => {
  test('the Python', async () => {
    const error = await failedStart({}, { connection: { python: '/no/such/python' } });
    expect(error).toMatchObject({
      name: 'EngineError',
      kind: 'unusable',
      message: 'There is no Python /no/such/python.',
      hint: containing("pip install 'vllm>=0.11.1'"),
    });
  });

  test('vLLM', async () => {
    const error = await failedStart({}, { environment: { PATH: process.env['PATH'] } });
    expect(error).toMatchObject({
      kind: 'unusable',
      message: expect.stringMatching(/^vLLM is not installed for .*python3[^ ]*\.$/) as string,
      hint: expect.stringMatching(/python3[^ ]* -m pip install 'vllm>=0.11.1'$/) as string,
    });
  });

  test('a Python that is new enough', async () => {
    const pretend =
      'import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_path(sys.argv[1], run_name="__main__")';
    const python = await scratchFile(`#!/bin/sh\nexec python3 -c '${pretend}' "$@"\n`, 'python');
    await chmod(python, 0o755);
    const error = await failedStart({}, { connection: { python } });
    expect(error).toMatchObject({ kind: 'unusable', message: containing('Python 3.9.18 is too old for vLLM') });
  });

  test('a vLLM that is new enough', async () => {
    const folder = await scratchFolder();
    await mkdir(join(folder, 'vllm-0.11.0.dist-info'));
    const metadata = 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.11.0rc2\n';
    await writeFile(join(folder, 'vllm-0.11.0.dist-info', 'METADATA'), metadata);
    const { environment } = fakeVllm({ before: folder });
    const error = await failedStart({}, { environment });
    expect(error).toMatchObject({
      kind: 'unusable',
      message: 'vLLM 0.11.0rc2 is too old: llmbatch wants 0.11.1 or newer.',
    });
  });
});

describe('an option that vLLM does not take is the user’s mistake', () => {
  test.each<[string, Record<string, unknown>, string, string]>([
    ['unknown', { max_model_length: 5 }, 'vllm has no option "max_model_length"', 'Did you mean max_model_len?'],
    ['nothing like it', { zzz: 5 }, 'vllm has no option "zzz"', 'vllm serve --help=all'],
    ['a wrong value', { dtype: 'float99' }, 'invalid choice', ''],
    ['a wrong type', { max_num_seqs: 'many' }, 'invalid int value', ''],
    ['the model', { model: 'x' }, '--option model is llmbatch', '-m'],
    ['adapters', { lora_modules: 'polite' }, "'polite' is not name=path", ''],
    ['a parser', { tool_call_parser: 'nobody' }, "no parser 'nobody'", ''],
    ['a parser of thinking', { reasoning_parser: 'nobody' }, "no parser 'nobody'", ''],
  ])('%s', async (_name, options, message, hint) => {
    const error = await failedStart({}, { options });
    expect(error).toMatchObject({ name: 'UsageError', exitCode: 2, message: containing(message) });
    expect(error['hint'] ?? '').toContain(hint);
  });
});

describe('while it starts', () => {
  test('it says how far the load is, and keeps the whole log', async () => {
    const logFile = join(await scratchFolder(), 'engine.log');
    const { notices, backend } = await openFakeVllm({ platform: 'cuda', loadMs: 300 }, { logFile });
    expect(notices).toEqual([
      'vllm: starting fake/tiny-scorer (python3)',
      'vllm: loading the weights',
      'vllm: loading the weights (50%, file 1 of 2)',
      'vllm: loading the weights (100%, file 2 of 2)',
      'vllm: weights loaded (7.64 GiB in 12 s)',
      'vllm: compiling the model',
      'vllm: capturing CUDA graphs',
      'vllm: room for 65,536 tokens in the KV cache',
      'vllm 0.32.0: 256 sequences at once, a window of 4,096 tokens, KV cache of 65,536 tokens, bfloat16, Fake GPU 0',
    ]);
    expect(await readFile(logFile, 'utf8')).toMatch(/\(EngineCore pid=\d+\) INFO .* Starting to load model/);
    expect(backend.info).toMatchObject({
      version: 'vllm 0.32.0',
      usesLocalGpus: true,
      modelDigest: expect.any(String) as string,
    });
    expect(backend.info.loadMs).toBeGreaterThan(300);
  });

  test('what is printed everywhere goes to the log, and garbles nothing', async () => {
    const logFile = join(await scratchFolder(), 'engine.log');
    const { backend } = await openFakeVllm({ platform: 'cuda', fault: 'noise,noise-at:1' }, { logFile });
    expect(await say(backend, question('quiet'))).toBe('quiet');
    const log = await readFile(logFile, 'utf8');
    for (const [place, processes] of [
      ['import of vllm', 2],
      ['load of the model', 1],
      ['run', 1],
    ] as const)
      expect(log.split(`"noise":"${place}"`)).toHaveLength(1 + 5 * processes);
  });

  test('it ends where nobody wants it any more', async () => {
    const controller = new AbortController();
    const { environment, mark } = fakeVllm({ platform: 'cuda', fault: 'hang-at-load' });
    const starting = openFakeVllm({}, { environment, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('not wanted')), 700);
    await expect(starting).rejects.toThrow('not wanted');
    expect(await markedProcesses(mark)).toEqual([]);
  });

  test('blocks that are larger than what prompts share explain a cache that gives little', async () => {
    const facts = { promptTokens: 150, sharedTokens: 100, cachedTokens: 0 };
    const large = await openFakeVllm({}, { options: { block_size: 128 } });
    expect(await large.backend.inspection?.explainCache?.(facts)).toContain('--option block_size=32');
    const usual = await openFakeVllm();
    expect(await usual.backend.inspection?.explainCache?.(facts)).toBe(null);
  });

  test('the window is as large as the memory allows, unless it is named', async () => {
    const small = await openFakeVllm({ kvTokens: 2048 });
    expect(small.backend.limits.contextTokens).toBe(2048);
    const named = await openFakeVllm({}, { options: { max_model_len: 1024, max_num_seqs: 8 } });
    expect(named.backend.limits).toMatchObject({ contextTokens: 1024, slots: 8, suggestedWorkers: 64 });
    const talking = await openFakeVllm({ kvTokens: 8192 }, { conversationTokens: 2048 });
    expect(talking.backend.limits).toMatchObject({ slots: 4, suggestedWorkers: 512 });
  });
});
