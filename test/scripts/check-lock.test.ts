import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const hash = `sha512-${'A'.repeat(86)}==`;

interface Outcome {
  code: number;
  said: string;
}

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'check-lock-'));
  file = path.join(folder, 'package-lock.json');
});

afterEach(() => rm(folder, { recursive: true }));

const script = (name: string, environment: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const env = { ...process.env, ...environment };
    execFile(process.execPath, [`scripts/${name}.mjs`, file], { env }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), said: stdout + stderr });
    });
  });

const writeLock = (packages: object): Promise<void> =>
  writeFile(file, JSON.stringify({ name: 'x', lockfileVersion: 3, packages: { '': { name: 'x' }, ...packages } }));

describe('check-lock', () => {
  test('takes the lock of this repository', async () => {
    file = 'package-lock.json';
    expect(await script('check-lock')).toEqual({ code: 0, said: '' });
  });

  test('refuses a package without a hash, wherever it is', async () => {
    await writeLock({
      'node_modules/good': { version: '1.0.0', integrity: hash },
      'node_modules/bare': { version: '1.0.0' },
      'node_modules/good/node_modules/@scope/deep': { version: '2.0.0', optional: true },
    });
    const { code, said } = await script('check-lock');
    expect(code).toBe(1);
    expect(said).toContain('bare@1.0.0 has no SHA-512 hash. node scripts/complete-lock.mjs fills it in.');
    expect(said).toContain('@scope/deep@2.0.0 has no SHA-512 hash');
    expect(said).not.toContain('good@1.0.0');
  });

  test('refuses a hash that can be forged', async () => {
    await writeLock({ 'node_modules/old': { version: '1.0.0', integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } });
    expect(await script('check-lock')).toMatchObject({ code: 1 });
  });

  test('refuses an entry that names the host of a registry', async () => {
    await writeLock({
      'node_modules/bound': { version: '1.0.0', integrity: hash, resolved: 'https://registry.example/bound-1.0.0.tgz' },
    });
    const { code, said } = await script('check-lock');
    expect({ code, said }).toEqual({
      code: 1,
      said: `${file}: bound@1.0.0 names the host of a registry. Remove its "resolved": the .npmrc of this repository keeps it out.\n`,
    });
  });

  test('asks no hash of what no registry hands out', async () => {
    await writeLock({
      'node_modules/linked': { resolved: 'stubs/empty', link: true },
      'node_modules/good/node_modules/bundled': { version: '1.0.0', inBundle: true },
      'stubs/empty': { version: '0.0.0' },
    });
    expect(await script('check-lock')).toEqual({ code: 0, said: '' });
  });
});

describe('complete-lock', () => {
  let registry: Server;
  let asked: string[];
  let environment: NodeJS.ProcessEnv;

  beforeEach(async () => {
    asked = [];
    registry = createServer(({ url = '' }, response) => {
      asked.push(url);
      const known = { name: '@scope/known', version: '1.2.3', dist: { integrity: hash, tarball: 'http://x/y.tgz' } };
      const answer = { name: '@scope/known', 'dist-tags': {}, versions: { '1.2.3': known } };
      response.writeHead(url === '/@scope%2fknown' ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(url === '/@scope%2fknown' ? answer : {}));
    });
    await new Promise<void>((resolve) => {
      registry.listen(0, '127.0.0.1', resolve);
    });
    environment = {
      npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
      npm_config_cache: path.join(folder, 'cache'),
      npm_config_fetch_retries: '0',
    };
  });

  afterEach(() => registry.close());

  test('asks the registry for the hashes that are missing, and names those it does not have', async () => {
    await writeLock({
      'node_modules/@scope/known': { version: '1.2.3', os: ['another'], optional: true },
      'node_modules/a/node_modules/alias': { name: '@scope/known', version: '1.2.3' },
      'node_modules/unknown': { version: '1.0.0' },
    });
    const { code, said } = await script('complete-lock', environment);
    expect({ code, said }).toEqual({
      code: 0,
      said: 'added 0 packages and 2 hashes\nThe registry has no hash of unknown@1.0.0\n',
    });
    const { packages } = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, object> };
    expect(Object.entries(packages['node_modules/@scope/known'] ?? {})).toEqual([
      ['version', '1.2.3'],
      ['integrity', hash],
      ['os', ['another']],
      ['optional', true],
    ]);
    expect(packages['node_modules/a/node_modules/alias']).toEqual({
      name: '@scope/known',
      version: '1.2.3',
      integrity: hash,
    });
  });

  test('asks nobody where nothing is missing', async () => {
    await writeLock({ 'node_modules/good': { version: '1.0.0', integrity: hash } });
    expect(await script('complete-lock', environment)).toEqual({ code: 0, said: 'added 0 packages and 0 hashes\n' });
    expect(asked).toEqual([]);
  });
});
