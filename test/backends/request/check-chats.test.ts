import { expect, test } from 'vitest';
import { checkChats } from '../../../src/backends/request/check-chats.ts';
import { refuse } from '../../../src/backends/request/refuse.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { chat } from '../candidates.ts';

const [good, bad] = [chat([], { isGood: true }), chat([])];
const check = ({ body }: typeof good): void => {
  if (body['isGood'] !== true) throw refuse('bad-request', 'no place for it');
};

test('what would fail for each request ends the run before the first, in its own words', async () => {
  const lengths = { usual: bad, longest: [bad, bad] };
  await expect(checkChats({ promptLengths: async () => lengths }, check)).rejects.toThrow(
    new UsageError('no place for it'),
  );
});

test('what fails for some is the failure of those, and nobody knows of an input that is being read', async () => {
  await checkChats({ promptLengths: async () => ({ usual: bad, longest: [good, bad] }) }, check);
  await checkChats({ promptLengths: async () => null }, check);
});

test('any other error is a bug', async () => {
  const lengths = { usual: bad, longest: [bad] };
  const broken = (): void => {
    throw new TypeError('a bug');
  };
  await expect(checkChats({ promptLengths: async () => lengths }, broken)).rejects.toThrow(TypeError);
});
