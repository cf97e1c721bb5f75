import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { version } from '../../src/files/version.ts';

test('the version is the one of package.json', async () => {
  const file = new URL('../../package.json', import.meta.url);
  expect(version).toBe((JSON.parse(await readFile(file, 'utf8')) as { version: string }).version);
});
