import { expect, onTestFinished, test } from 'vitest';
import { candidates } from '../backends/candidates.ts';
import { type FakeOpenai, type FakeOpenaiOptions, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { judgeCandidates } from '../helpers/judge-candidates.ts';
import { type CliFolder, createCliFolder, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';

interface Setting extends CliFolder {
  servers: FakeOpenai[];
  /** `in.jsonl` on all servers. */
  flags: string[];
  judged: () => Promise<Record<string, number>>;
  /** Results by the server that they name. */
  shares: () => Promise<Record<string, number>>;
}

/** A folder with so many candidates, and servers that know the answers. */
async function setUp(count: number, all: FakeOpenaiOptions[]): Promise<Setting> {
  const servers: FakeOpenai[] = [];
  for (const options of all) {
    const server = await startFakeOpenai(options);
    onTestFinished(() => server.close());
    servers.push(server);
  }
  const folder = await createCliFolder();
  const lines = candidates.slice(0, count).map(({ request: { id, body } }) => JSON.stringify({ custom_id: id, body }));
  await folder.write('in.jsonl', `${lines.join('\n')}\n`);
  const addresses = servers.flatMap(({ url }) => ['--base-url', url]);
  return {
    ...folder,
    servers,
    flags: ['in.jsonl', '-b', 'openai', ...addresses, '--progress', 'none'],
    judged: () => judgeCandidates(folder, count),
    async shares() {
      const shares: Record<string, number> = {};
      for (const { llmbatch } of await folder.results(output)) {
        const name = llmbatch?.server ?? 'none';
        shares[name] = (shares[name] ?? 0) + 1;
      }
      return shares;
    },
  };
}

const nameOf = ({ url }: FakeOpenai): string => new URL(url).host;

test('two servers share a run, and each result names its own', async () => {
  const { run, flags, servers, judged, shares, manifest } = await setUp(200, [{ tokenMs: 1 }, { tokenMs: 1 }]);
  const { exitCode } = await run(['run', ...flags, '--workers', '4']);
  expect([exitCode, await judged()]).toEqual([0, { right: 200 }]);
  const found = await shares();
  expect(Object.keys(found).toSorted()).toEqual(servers.map(nameOf).toSorted());
  expect((await manifest(`${output}.run.json`)).runner.connections).toEqual(
    servers.map(({ url }) => ({ baseUrl: url })),
  );
});

test('a key that one refuses, and a model that another lacks, cost the run nothing', async () => {
  const { run, flags, servers, judged, shares } = await setUp(60, [{ key: 'k' }, { models: ['other'] }, {}]);
  const { exitCode, stderr } = await run(['run', ...flags]);
  expect([exitCode, await judged()]).toEqual([0, { right: 60 }]);
  const [refusing, lacking, good] = servers.map(nameOf) as [string, string, string];
  expect(await shares()).toEqual({ [good]: 60 });
  expect(stderr).toContain(`${refusing}: can't be used`);
  expect(stderr).toContain(`${lacking}: can't be used`);
  expect(stderr.split(`${refusing}: can't be used`).length).toBe(2);
});

test('a server that is not there yet takes part when it is', async () => {
  const { start, flags, servers, judged, shares } = await setUp(200, [{}, {}]);
  const [first, late] = servers as [FakeOpenai, FakeOpenai];
  await late.stop();
  // The first one alone would never come to the end.
  first.faults = () => (first.requests.length > 20 && late.requests.length === 0 ? 'hang' : null);
  const { outcome } = start(['run', ...flags, '--workers', '2']);
  await until(async () => first.requests.length > 3);
  await late.start();
  expect([(await outcome).exitCode, await judged()]).toEqual([0, { right: 200 }]);
  expect((await shares())[nameOf(late)]).toBeGreaterThan(0);
});

test('what a server had when it died is answered by the other, once', async () => {
  const { start, flags, servers, judged } = await setUp(200, [{ tokenMs: 2 }, { tokenMs: 2 }]);
  const [mortal] = servers as [FakeOpenai];
  const { outcome } = start(['run', ...flags, '--workers', '4']);
  await until(async () => mortal.requests.length > 20);
  await mortal.stop();
  expect([(await outcome).exitCode, await judged()]).toEqual([0, { right: 200 }]);
});

test('a resume finds all servers again', async () => {
  const { start, run, flags, servers, judged } = await setUp(200, [{ tokenMs: 2 }, { tokenMs: 2 }]);
  const { child, outcome } = start(['run', ...flags, '--workers', '2']);
  await until(async () => servers.every(({ requests }) => requests.length > 5));
  child.kill('SIGKILL');
  await outcome;
  const before = servers.map(({ requests }) => requests.length);
  const { exitCode } = await run(['resume', '--progress', 'none']);
  expect([exitCode, await judged()]).toEqual([0, { right: 200 }]);
  expect(servers.every(({ requests }, index) => requests.length > before[index]!)).toBe(true);
});

test('two kinds of servers are two backends, and refused', async () => {
  const { run } = await setUp(1, []);
  const kinds = ['--base-url', 'http://a/v1', '--base-url', 'http://b/v1', '--host', 'c'];
  const { exitCode, stderr } = await run(['run', 'in.jsonl', ...kinds]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('name servers of two kinds')]);
});
