import { describe, expect, test } from 'vitest';
import { reportOllama } from '../../../../src/backends/ollama/doctor/examine.ts';
import type { FindingContext } from '../../../../src/backends/ollama/doctor/find-ollama.ts';
import { type Finding, worstFirst } from '../../../../src/core/doctor/finding.ts';
import { examined, gibibyte, gpu, loaded, model, probe, settings, withoutOllama } from './sample-search.ts';

const findingsOf = (subject: FindingContext): Finding[] => worstFirst(reportOllama(subject).findings);

/** The only finding. */
function only(subject: FindingContext): Finding {
  const findings = findingsOf(subject);
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

const withOllama = (ollama: Partial<FindingContext['ollama']>): FindingContext => examined({ ollama });

test('where nothing is wrong nothing is found', () => {
  expect(findingsOf(examined())).toEqual([]);
});

describe('parallel slots', () => {
  test('one slot beside free GPU memory: how many more fit, with the numbers of the estimate', () => {
    const finding = only(withOllama({ probe: probe({ slots: 1 }) }));
    expect(finding.level).toBe('warning');
    expect(finding.text).toContain(
      '3 more slots of 4,096 tokens would take 1.5 GiB (estimated: 128.0 KiB of KV cache a token), and 10.0 GiB of GPU memory is free',
    );
    expect(finding.setting).toEqual({ name: 'OLLAMA_NUM_PARALLEL', value: '4' });
  });

  test('one slot beside little memory: what fits, or that nothing does', () => {
    const one = examined({ gpu: { gpus: [gpu(0.7)] }, ollama: { probe: probe({ slots: 1 }) } });
    expect(only(one)).toMatchObject({ level: 'warning', setting: { name: 'OLLAMA_NUM_PARALLEL', value: '2' } });
    const none = examined({ gpu: { gpus: [gpu(0.5)] }, ollama: { probe: probe({ slots: 1 }) } });
    expect(only(none)).toMatchObject({ level: 'hint', setting: null });
    expect(only(none).text).toContain('another slot of 4,096 tokens would take 512.0 MiB');
  });

  test('one slot on the CPU is measured against RAM, and a sliding window makes the estimate an upper bound', () => {
    const state = loaded({ vramBytes: 0, hasSlidingWindow: true });
    const subject = examined({
      gpu: { gpus: [] },
      ollama: {
        models: [model({ loaded: state })],
        probe: probe({ slots: 1 }),
        settings: settings({ LLAMA_ARG_SWA_FULL: '1' }),
      },
    });
    expect(only(subject).text).toContain(
      '3 more slots of 4,096 tokens would take up to 1.5 GiB (estimated: up to 128.0 KiB of KV cache a token), and 8.0 GiB of RAM is free',
    );
  });

  test('one slot of a server elsewhere is told without numbers', () => {
    const subject = withOllama({
      isLocal: false,
      url: 'http://gpu-box:11434',
      settings: null,
      version: '0.24.0',
      probe: probe({ slots: 1 }),
    });
    const [slot] = findingsOf(subject);
    expect(slot?.id).toBe('ollama-one-slot');
    expect(slot?.text).toContain("how much memory there is for more can't be seen");
    expect(slot?.text).not.toMatch(/GiB/);
  });

  test('fewer than the server was told: it is busy', () => {
    const subject = withOllama({ probe: probe({ slots: 1 }), settings: settings({ OLLAMA_NUM_PARALLEL: '8' }) });
    expect(only(subject)).toMatchObject({ level: 'hint', id: 'ollama-fewer-slots', setting: null });
    expect(only(subject).text).toContain('1 of the 8 slots');
    const many = withOllama({ probe: probe({ slots: 16 }), settings: settings({ OLLAMA_NUM_PARALLEL: '32' }) });
    expect(findingsOf(many)).toEqual([]);
  });

  test('an architecture with one slot is named, and no setting is advised for it', () => {
    const locked = model({ name: 'qwen3.5:4b', family: 'qwen35', hasOneSlot: true });
    const finding = only(
      withOllama({ models: [locked, model()], probe: probe({ slots: 1, foundBy: 'architecture' }) }),
    );
    expect(finding).toMatchObject({ level: 'hint', id: 'ollama-one-slot-architecture', setting: null });
    expect(finding.text).toContain('for qwen3.5:4b (qwen35), no matter what OLLAMA_NUM_PARALLEL is set to');
  });

  test('a failed probe is an error only for a model that was asked for', () => {
    const failure = {
      kind: 'model-not-found',
      text: 'the server has no model "x"',
      hint: 'Fetch it with: ollama pull x',
    };
    const failed = { probe: probe({ slots: null, failure }) };
    expect(only(examined({ ollama: failed }))).toMatchObject({ level: 'warning', fix: failure.hint });
    const asked = examined({ ollama: failed, asked: { model: 'x' } });
    expect(only(asked)).toMatchObject({ level: 'error', id: 'ollama-model-not-found' });
  });
});

describe('memory', () => {
  test('a model that lies partly outside the GPU: its share, and the window that would fit', () => {
    const state = loaded({ bytes: 10 * gibibyte, vramBytes: 9 * gibibyte, contextTokens: 8192 });
    const finding = only(withOllama({ models: [model({ loaded: state })] }));
    expect(finding.text).toContain('10.0% of gemma3:4b (1.0 GiB of 10.0 GiB) is outside');
    // 1 GiB less over 4 slots of 128 KiB a token: 2,048 tokens less for each.
    expect(finding.fix).toContain('--option num_ctx=6144 (8,192 tokens now, 4 slots)');
  });

  test('where no window would fit none is named', () => {
    const state = loaded({ bytes: 16 * gibibyte, vramBytes: 9 * gibibyte });
    expect(only(withOllama({ models: [model({ loaded: state })] })).fix).toMatch(
      /^OLLAMA_NUM_PARALLEL with fewer slots/,
    );
    const unknown = loaded({ bytes: 16 * gibibyte, vramBytes: 9 * gibibyte, kvBytesPerToken: null });
    expect(only(withOllama({ models: [model({ loaded: unknown })] })).fix).toMatch(/^a smaller --option num_ctx=,/);
  });

  test('a model wholly on the CPU beside a GPU; without a GPU that is as it should be', () => {
    const models = [model({ loaded: loaded({ vramBytes: 0 }) })];
    expect(only(withOllama({ models })).id).toBe('ollama-on-cpu');
    expect(findingsOf(examined({ gpu: { gpus: [] }, ollama: { models } }))).toEqual([]);
  });

  test('a window far wider than short prompts need', () => {
    const models = [model({ loaded: loaded({ contextTokens: 131_072 }) })];
    const finding = only(withOllama({ models }));
    expect(finding.text).toContain('131,072 tokens, 16.0 GiB of KV cache for each slot (estimated)');
    expect(finding.setting?.name).toBe('OLLAMA_CONTEXT_LENGTH');
  });

  test("Ollama's own window by the GPU's memory, unless the server was told one", () => {
    const withMemory = (total: number, context: string | null): Finding[] =>
      findingsOf(
        examined({
          gpu: { gpus: [gpu(10, total)] },
          ollama: { settings: settings({ OLLAMA_CONTEXT_LENGTH: context }) },
        }),
      );
    expect(withMemory(24, null)[0]?.text).toContain('32,768 tokens');
    expect(withMemory(80, null)[0]?.text).toContain('262,144 tokens');
    expect(withMemory(80, '8192')).toEqual([]);
  });

  test('a quantised KV cache that the heads do not fit, or without flash attention', () => {
    const uneven = withOllama({
      settings: settings({ OLLAMA_KV_CACHE_TYPE: 'q8_0' }),
      probe: probe({ keyLength: 80 }),
    });
    expect(only(uneven)).toMatchObject({ level: 'warning', setting: { name: 'OLLAMA_KV_CACHE_TYPE', value: 'f16' } });
    expect(only(uneven).text).toContain('the attention heads of gemma3:4b have 80');
    const even = withOllama({ settings: settings({ OLLAMA_KV_CACHE_TYPE: 'q8_0' }) });
    expect(findingsOf(even)).toEqual([]);
    const slow = settings({ OLLAMA_KV_CACHE_TYPE: 'q8_0', OLLAMA_FLASH_ATTENTION: '0' });
    expect(only(withOllama({ settings: slow })).setting).toEqual({ name: 'OLLAMA_FLASH_ATTENTION', value: '1' });
    const whole = settings({ OLLAMA_KV_CACHE_TYPE: 'f16', OLLAMA_FLASH_ATTENTION: '0' });
    expect(findingsOf(examined({ ollama: { settings: whole, probe: probe({ keyLength: 80 }) } }))).toEqual([]);
  });

  test('the RAM prompt cache, known or only possible', () => {
    const known = only(withOllama({ settings: settings({ LLAMA_ARG_CACHE_RAM: null }) }));
    expect(known).toMatchObject({ level: 'warning', setting: { name: 'LLAMA_ARG_CACHE_RAM', value: '0' } });
    expect(only(withOllama({ settings: null }))).toMatchObject({ level: 'hint', setting: known.setting });
    const old = withOllama({ version: '0.24.0', settings: settings({ LLAMA_ARG_CACHE_RAM: null }) });
    expect(findingsOf(old).filter(({ setting }) => setting !== null)).toEqual([]);
  });

  test('a server without a model', () => {
    expect(only(withOllama({ models: [], probe: null }))).toMatchObject({
      level: 'warning',
      id: 'ollama-no-model',
      fix: 'ollama pull gemma3:4b',
    });
  });
});

describe('the version', () => {
  test('what it does wrong, and the version that does not', () => {
    const facts = findingsOf(withOllama({ version: '0.30.0' }));
    expect(facts.map(({ level, fix }) => [level, /^Ollama ([\d.]+)/.exec(fix)?.[1]])).toEqual([
      ['warning', '0.30.1'],
      ['hint', '0.33.3'],
      ['hint', '0.32.10'],
    ]);
    expect(facts[0]).toMatchObject({
      id: 'ollama-version-counts-new-tokens',
      text: expect.stringMatching(/^Ollama 0\.30\.0 /),
    });
  });
});

describe('the way to the server', () => {
  test('none on this machine is no fault where no one spoke of it', () => {
    expect(findingsOf(withoutOllama())).toEqual([]);
  });

  test('installed and not started, at the port that was asked for', () => {
    const subject = withoutOllama({
      ollama: { isInstalled: true, url: 'http://127.0.0.1:11500', address: '127.0.0.1:11500' },
    });
    expect(only(subject)).toMatchObject({
      level: 'warning',
      fix: 'start it:\nOLLAMA_HOST=127.0.0.1:11500 ollama serve',
    });
  });

  test('not there where --host names it is an error, whatever else is here', () => {
    const ollama = { url: 'http://gpu-box:11434', address: 'gpu-box', isLocal: false };
    const subject = withoutOllama({ ollama, asked: { host: 'gpu-box' } });
    expect(only(subject)).toMatchObject({ level: 'error', id: 'ollama-server-silent' });
    expect(only(subject).fix).toContain('start the server with OLLAMA_HOST=0.0.0.0');
  });

  test.each([
    ['http://gpu-box', 'http://gpu-box:80', 'ollama-address-port-80', 'port 80'],
    ['127.0.0.1:99999', 'http://127.0.0.1:11434', 'ollama-address-port', '(99999)'],
    ['http://gpu-box:11434/v1', 'http://gpu-box:11434/v1', 'ollama-address-v1', 'ends with /v1'],
  ])('%s is not what it looks like', (address, url, id, text) => {
    expect(only(withOllama({ address, url }))).toMatchObject({ id, text: expect.stringContaining(text) });
  });

  test.each([
    'gpu-box',
    'gpu-box:11434',
    '"0.0.0.0:11434"',
    '[::1]:11434',
    '::1',
    'https://gpu-box',
    'ollama.com',
    ':11434',
  ])('%s is as it should be', (address) => {
    expect(findingsOf(withOllama({ address }))).toEqual([]);
  });

  test('a server that others may reach', () => {
    const finding = only(withOllama({ isOpenToOthers: true }));
    expect(finding).toMatchObject({
      level: 'warning',
      id: 'ollama-open-to-others',
      setting: { name: 'OLLAMA_HOST', value: '127.0.0.1:11434' },
    });
  });
});

describe('a model with a sliding window', () => {
  const models = [model({ name: 'gemma3:4b', family: 'gemma3', loaded: null })];

  test('wants the whole cache kept', () => {
    expect(only(withOllama({ models }))).toMatchObject({
      level: 'warning',
      id: 'ollama-sliding-window',
      text: expect.stringContaining('gemma3:4b'),
      setting: { name: 'LLAMA_ARG_SWA_FULL', value: '1' },
    });
  });

  test.each(['0', 'false', 'off', ''])('wants it too where the variable switches it off by %j', (value) => {
    const found = only(withOllama({ models, settings: settings({ LLAMA_ARG_SWA_FULL: value }) }));
    expect(found.id).toBe('ollama-sliding-window');
  });

  test('has it, or runs on an engine of Ollama’s own', () => {
    expect(findingsOf(withOllama({ models, settings: settings({ LLAMA_ARG_SWA_FULL: '1' }) }))).toEqual([]);
    const ids = findingsOf(withOllama({ models, version: '0.24.0' })).map(({ id }) => id);
    expect(ids).not.toContain('ollama-sliding-window');
  });
});

test('several GPUs', () => {
  const finding = only(examined({ gpu: { gpus: [gpu(4, 8), gpu(6, 8)] } }));
  expect(finding).toMatchObject({ level: 'hint', id: 'ollama-several-gpus' });
  expect(finding.fix).toContain('CUDA_VISIBLE_DEVICES=1');
});
