import { mkdir, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CliFolder, createCliFolder, prompts } from '../helpers/run-cli.ts';

const ownFile = '../.config/llmbatch/llmbatch.json';

/** A folder with an input of two requests, and with files of settings by their paths. */
async function openFolder(files: Record<string, object | string> = {}): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(2));
  await mkdir(folder.at('../.config/llmbatch'), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const place = path === 'own' ? ownFile : path;
    await mkdir(join(folder.at(place), '..'), { recursive: true });
    await folder.write(place, typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const mockDefaults = { backend: 'mock', model: 'mock' };

describe('the settings of a new run', () => {
  test('that no line of the input fits are said not to be from the command', async () => {
    const defaults = { ...mockDefaults, prompt_template: 'Hi {{name}}' };
    const folder = await openFolder({ 'llmbatch.json': { defaults } });
    await folder.write('in.jsonl', '{"city":"Ulm"}\n');
    const hint = 'The prompt template is not from this command: llmbatch config shows where it is set.';
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(hint)]);
    const typed = await folder.run(['run', 'in.jsonl', '--prompt-template', 'Hi {{name}}']);
    expect([typed.exitCode, typed.stderr]).toEqual([2, expect.not.stringContaining(hint)]);
  });

  test('come from flags, variables, the preset, the folder and the user, in this order', async () => {
    const folder = await openFolder({
      own: { defaults: { seed: 5, top_p: 0.5, temperature: 0.5, max_tokens: 5, retries: 5, timeout: '5s' } },
      'llmbatch.json': {
        defaults: { ...mockDefaults, seed: 4, top_p: 0.4, temperature: 0.4, max_tokens: 4, retries: 4 },
        presets: { short: { seed: 3, top_p: 0.3, temperature: 0.3, max_tokens: 3 } },
      },
    });
    const environment = { LLMBATCH_SEED: '2', LLMBATCH_TOP_P: '0.2', LLMBATCH_TEMPERATURE: '0.2' };
    const args = ['run', 'in.jsonl', '--preset', 'short', '--seed', '1', '--temperature', '0.1'];
    const { exitCode, stderr } = await folder.run(args, { environment });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('max_tokens from preset short of llmbatch.json')]);
    expect(stderr).toContain('backend, model, retries from llmbatch.json');
    expect(stderr).toContain('top_p from LLMBATCH_TOP_P');
    const { settings, runner } = await folder.manifest('in.results.jsonl.run.json');
    expect(settings.parameters).toEqual({ temperature: 0.1, max_tokens: 3, top_p: 0.2, seed: 1 });
    expect([runner.retries, runner.timeoutMs]).toEqual([4, 5000]);
  });

  test('are those of the nearest file above, as a whole, with its paths', async () => {
    const folder = await openFolder({
      'llmbatch.json': { defaults: { ...mockDefaults, seed: 1 } },
      'project/llmbatch.json': {
        defaults: { ...mockDefaults, system: '@rubric.txt', stop: ['a', '@b'], max_tokens: 9 },
      },
      'project/rubric.txt': 'Score it.',
      'project/data/in.jsonl': prompts(1),
    });
    const { exitCode } = await folder.run(['run', 'in.jsonl'], {
      cwd: folder.at('project/data'),
    });
    expect(exitCode).toBe(0);
    const { settings } = await folder.manifest('project/data/in.results.jsonl.run.json');
    expect([settings.system, settings.parameters]).toEqual(['Score it.', { stop: ['a', '@b'], max_tokens: 9 }]);
  });

  test('merge the keys of option, and nothing else', async () => {
    const folder = await openFolder({
      own: { defaults: { option: { slots: 3, latency_ms: 1 } } },
      'llmbatch.json': { defaults: { ...mockDefaults, option: { latency_ms: 2, seed: 2 } } },
    });
    await folder.run(['run', 'in.jsonl', '--option', 'seed=7']);
    const { settings } = await folder.manifest('in.results.jsonl.run.json');
    expect(settings.options).toEqual({ slots: 3, latency_ms: 2, seed: 7 });
  });

  test('are taken by bench and validate too, and shown by config', async () => {
    const folder = await openFolder({ 'llmbatch.json': { defaults: { ...mockDefaults, format: 'text', workers: 3 } } });
    const { stdout } = await folder.run(['validate', 'in.jsonl', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ form: 'text', requests: 2 });
    const { stdout: config } = await folder.run(['config', '--json'], { environment: { LLMBATCH_LIMIT: '1' } });
    expect(JSON.parse(config)).toMatchObject({
      schema_version: 1,
      settings: {
        workers: { value: 3, from: 'llmbatch.json', file: folder.at('llmbatch.json') },
        limit: { value: 1, from: 'LLMBATCH_LIMIT', file: null },
      },
      files: [folder.at('llmbatch.json')],
    });
    const shown = (await folder.run(['config'])).stdout;
    expect(shown).toMatch(/^ {2}workers {2}3 +llmbatch\.json$/m);
    expect(shown).toMatch(/^files {4}llmbatch\.json$/m);
  });

  test('do not touch a run that is resumed', async () => {
    const folder = await openFolder();
    const flags = ['-b', 'mock', '-m', 'mock', '--option', 'fault_rate=1', '--retries', '0'];
    expect((await folder.run(['run', 'in.jsonl', ...flags, '--seed', '1'])).exitCode).toBe(3);
    await folder.write('llmbatch.json', JSON.stringify({ defaults: { backend: 'openai', seed: 2, retries: 9 } }));
    const { exitCode, stderr } = await folder.run(['resume', 'in.results.jsonl']);
    expect([exitCode, stderr]).toEqual([3, expect.not.stringMatching(/^settings:/m)]);
    const { settings, runner } = await folder.manifest('in.results.jsonl.run.json');
    expect([settings.parameters, runner.retries]).toEqual([{ seed: 1 }, 0]);
  });
});

describe('a mistake in the settings', () => {
  const inFolder = (defaults: object): Record<string, object> => ({ 'llmbatch.json': { defaults } });

  test.each([
    [inFolder({ max_token: 3 }), 'defaults.max_token is not a setting\nDid you mean max_tokens?'],
    [inFolder({ output: 'x' }), 'defaults.output is not a setting'],
    [inFolder({ max_tokens: 'many' }), 'defaults.max_tokens: Expected a whole number from 1.'],
    [inFolder({ mode: 'auto', progress: 'loud' }), 'defaults.progress: Allowed choices are auto'],
    [inFolder({ strict: 'yes' }), 'defaults.strict: Expected true or false.'],
    [inFolder({ system: { a: 1 } }), 'defaults.system: Expected a text or a number, not {"a":1}.'],
    [inFolder({ openai_api_key: 'sk-1' }), 'defaults.openai_api_key would be a key in a file'],
    [inFolder({ option: { hf_token: 'sk-1' } }), 'defaults.option: --option hf_token is a secret'],
    [{ 'llmbatch.json': { presets: { a: { lmit: 3 } } } }, 'presets.a.lmit is not a setting\nDid you mean limit?'],
    [{ 'llmbatch.json': { model: 'x' } }, 'unknown key "model"\nWrite, for instance: {"defaults":'],
    [{ 'llmbatch.json': '{"defaults":' }, "it can't be read as JSON"],
    [{ own: { defaults: { seed: 'x' } } }, '.config/llmbatch/llmbatch.json: defaults.seed: Expected a whole number.'],
  ])('is exit code 2, with the file and the key: %j', async (files, message) => {
    const folder = await openFolder(files);
    const { exitCode, stdout, stderr } = await folder.run(['run', 'in.jsonl', '-b', 'mock', '-m', 'mock']);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('sk-1');
  });

  test('in a variable, or in the name of a preset, too', async () => {
    const folder = await openFolder({ 'llmbatch.json': { presets: { short: {} } } });
    const args = ['run', 'in.jsonl', '-b', 'mock', '-m', 'mock'];
    const wrong = await folder.run(args, { environment: { LLMBATCH_SEED: 'x' } });
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, 'Error: LLMBATCH_SEED: Expected a whole number.\n']);
    const stray = await folder.run(args, { environment: { LLMBATCH_SEEDS: '1', LLMBATCH_API_KEY: 'x' } });
    expect(stray.stderr).toContain('LLMBATCH_SEEDS is not a setting. Did you mean LLMBATCH_SEED?');
    expect([stray.exitCode, stray.stderr.includes('API_KEY')]).toEqual([0, false]);
    const preset = await folder.run([...args, '--preset', 'shrt']);
    expect([preset.exitCode, preset.stderr]).toEqual([2, expect.stringContaining('Did you mean short?')]);
  });
});

describe('a file of a folder', () => {
  test.each([
    [{ python: './evil' }, 'sets what is executed'],
    [{ on_end: 'touch evil' }, 'sets what is executed'],
    [{ servers: 'llmbatch.json' }, 'sets which keys go to which servers'],
    [{ option: { server: './evil' } }, 'may name a program'],
    [{ option: ['trust_remote_code=true'] }, 'may name a program'],
    [{ system: '@../secret.txt' }, '../secret.txt is outside its folder'],
    [{ schema: '/etc/hostname' }, '/etc/hostname is outside its folder'],
    [{ prompt_template: '@link.txt' }, 'link.txt is outside its folder'],
  ])('never says %j', async (defaults, message) => {
    const folder = await openFolder({ 'llmbatch.json': { defaults }, '../secret.txt': 'a secret' });
    await symlink(folder.at('../secret.txt'), folder.at('link.txt'));
    const { exitCode, stderr } = await folder.run(['run', 'in.jsonl', '-b', 'mock', '-m', 'mock']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect((await folder.everything()).some(([path]) => path.endsWith('evil'))).toBe(false);
  });

  test('names a server that gets no key, on a resume neither; the user names one that does', async () => {
    const keys: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      keys.push(request.headers.authorization);
      response.writeHead(request.method === 'POST' ? 400 : 404).end('{}');
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    const environment = { OPENAI_API_KEY: 'sk-mine' };
    const folder = await openFolder({ 'llmbatch.json': { defaults: { base_url: url } } });
    const { stderr } = await folder.run(['run', 'in.jsonl', '-m', 'm', '--retries', '0'], { environment });
    expect(stderr).toContain(`settings: base_url ${url} comes from a file of a folder, so no key is sent to it`);
    await folder.run(['resume', 'in.results.jsonl', '--retry-failed', 'all'], { environment });
    expect([keys.length > 3, new Set(keys)]).toEqual([true, new Set([undefined])]);
    await folder.write('llmbatch.json', '{}');
    await folder.write(ownFile, JSON.stringify({ defaults: { base_url: url } }));
    await folder.run(['run', 'in.jsonl', '-m', 'm', '-o', 'other.jsonl'], { environment });
    expect(keys.at(-1)).toBe('Bearer sk-mine');
  });

  test('names no server where a flag or a variable does', async () => {
    const folder = await openFolder({ 'llmbatch.json': { defaults: { host: 'box:1', base_url: 'http://box:2/v1' } } });
    const dry = async (flags: string[], environment = {}): Promise<string> =>
      (await folder.run(['run', 'in.jsonl', '-m', 'm', '--dry-run', '-b', ...flags], { environment })).stderr;
    expect(await dry(['openai', '--base-url', 'http://mine:1'])).toBe('');
    expect(await dry(['mock'])).toBe('');
    expect(await dry(['ollama'])).toContain('host box:1 comes from a file of a folder');
    expect(await dry(['ollama'], { OLLAMA_HOST: 'mine:1' })).toBe('');
  });
});
