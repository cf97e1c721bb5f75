import { expect, onTestFinished, test } from 'vitest';
import type { ResultLine } from '../../src/core/result-line.ts';
import { type FakeOpenai, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { textOf } from '../../src/core/request.ts';
import { candidates } from '../backends/candidates.ts';
import { createCliFolder, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';
const count = 60;

async function startServer(): Promise<FakeOpenai> {
  const server = await startFakeOpenai({ tokenMs: 2, slots: 1, window: 100_000 });
  onTestFinished(() => server.close());
  return server;
}

/** The ids of the turns that a request had before it, by its own. */
function earlierOf(server: FakeOpenai, idOf: ReadonlyMap<string, string>): Map<string, string[]> {
  return new Map(
    server.requests.map(({ body }): [string, string[]] => {
      const messages = body?.['messages'] as { role: string; content: string }[];
      const ids = messages.filter(({ role }) => role === 'user').map(({ content }) => idOf.get(content) ?? '');
      return [ids.at(-1) ?? '', ids.slice(0, -1)];
    }),
  );
}

test('a history stays on its server, and a resume gives that of a lost one to the server in its place', async () => {
  const [first, second, third] = [await startServer(), await startServer(), await startServer()];
  const folder = await createCliFolder();
  const requests = candidates.slice(0, count).map(({ request: { id, body } }) => ({ id, body }));
  const [system] = requests[0]?.body.messages ?? [];
  const lines = requests.map(({ id, body }) =>
    JSON.stringify({ custom_id: id, body: { ...body, messages: [system, body.messages?.at(-1)] } }),
  );
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const idOf = new Map(requests.map(({ id, body }) => [textOf(body.messages?.at(-1)?.content ?? null), id]));
  const servers = (...all: FakeOpenai[]): string[] => all.flatMap(({ url }) => ['--base-url', url]);
  const flags = [
    '-b',
    'openai',
    '--mode',
    'conversation',
    '--workers',
    '1',
    '--progress',
    'none',
    '--trim-every',
    '200',
  ];
  const running = folder.start(['run', 'in.jsonl', ...flags, ...servers(first, second)]);
  const ofServer = (all: ResultLine[], server: FakeOpenai): string[] =>
    all.filter(({ llmbatch }) => llmbatch.server === new URL(server.url).host).map(({ custom_id: id }) => id);
  await until(() => first.requests.length > 6 && second.requests.length > 6);
  // One is lost for good, and the other one goes on alone.
  await second.stop();
  const then = first.requests.length;
  await until(() => first.requests.length > then + 4);
  running.child.kill('SIGINT');
  expect((await running.outcome).exitCode).toBe(130);

  const before = await folder.results(output);
  for (const server of [first, second]) {
    const own = ofServer(before, server);
    expect(own.length).toBeGreaterThan(3);
    const earlier = earlierOf(server, idOf);
    for (const [at, id] of own.entries()) expect(earlier.get(id)).toEqual(own.slice(0, at));
  }

  const resumed = await folder.run(['resume', output, '--progress', 'none', ...servers(first, third)]);
  expect(resumed.exitCode).toBe(0);
  const all = await folder.results(output);
  expect(all.map(({ custom_id: id }) => id).toSorted()).toEqual([...idOf.values()].toSorted());
  const lost = ofServer(before, second);
  const [taken] = ofServer(all, third);
  expect(earlierOf(third, idOf).get(taken!)).toEqual(lost);
});
