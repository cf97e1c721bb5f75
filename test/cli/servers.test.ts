import { expect, onTestFinished, test } from 'vitest';
import { type FakeOpenai, type FakeOpenaiOptions, startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { type CliFolder, createCliFolder, prompts } from '../helpers/run-cli.ts';

interface ShownServers {
  servers: { name: string; state: string; reason: string | null; answered: number; away_seconds: number }[];
}

async function startServer(options: FakeOpenaiOptions = {}): Promise<FakeOpenai> {
  const server = await startFakeOpenai(options);
  onTestFinished(() => server.close());
  return server;
}

const nameOf = ({ url }: FakeOpenai): string => url.replace('http://', '').replace('/v1', '');

async function runOn(servers: FakeOpenai[]): Promise<{ folder: CliFolder; shown: ShownServers; stderr: string }> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(40));
  const addresses = servers.flatMap(({ url }) => ['--base-url', url]);
  const { stdout, stderr } = await folder.run([
    'run',
    'in.jsonl',
    '-b',
    'openai',
    '-m',
    'tiny-scorer',
    ...addresses,
    '--json',
  ]);
  return { folder, shown: JSON.parse(stdout) as ShownServers, stderr };
}

test('each server is told by run, status and report, and what each answered is what the results say', async () => {
  const servers = [await startServer(), await startServer({ slots: 1, tokenMs: 5 })];
  const { folder, shown } = await runOn(servers);
  const results = await folder.results('in.results.jsonl');
  const answered = servers.map(
    (server) => results.filter(({ llmbatch }) => llmbatch?.server === nameOf(server)).length,
  );
  expect(shown.servers.map((server) => [server.name, server.state, server.answered])).toEqual(
    servers.map((server, index) => [nameOf(server), 'up', answered[index]]),
  );
  expect(answered[0]! + answered[1]!).toBe(40);
  const json = async (command: string): Promise<unknown> =>
    JSON.parse((await folder.run([command, 'in.results.jsonl', '--json'])).stdout);
  const told = servers.map((server, index) => ({ name: nameOf(server), answered: answered[index] }));
  expect(await json('status')).toMatchObject({ servers: told });
  expect(await json('report')).toMatchObject({ servers: told, run: { snapshot: { servers: told } } });
  const status = await folder.run(['status', 'in.results.jsonl']);
  expect(status.stdout).toContain(`  answered by  ${nameOf(servers[0]!)}: ${answered[0]} (`);
  const report = await folder.run(['report', 'in.results.jsonl']);
  expect(report.stdout).toMatch(new RegExp(`\n  ${nameOf(servers[1]!)} +${answered[1]} +0 `));
});

test('a server that could not be opened is told with the reason', async () => {
  const [here, refusing] = [await startServer(), await startServer({ key: 'sk-other' })];
  const { shown, stderr } = await runOn([here, refusing]);
  expect(shown.servers[0]).toMatchObject({ state: 'up', reason: null, answered: 40, away_seconds: 0 });
  expect(shown.servers[1]).toMatchObject({ state: 'out', reason: expect.any(String) as string, answered: 0 });
  expect(stderr).toContain(`${nameOf(refusing)}: `);
});
