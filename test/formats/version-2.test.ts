import { expect, onTestFinished, test } from 'vitest';
import { startFakeOpenai } from '../helpers/fake-openai-server.ts';
import { type CliFolder, createCliFolder, mock, prompts } from '../helpers/run-cli.ts';

/**
 * The keys that are in the files of version 2. One that is added here is added to `docs/output-and-resume.md` too. To take
 * one out, or to give it another meaning, is to make another version.
 */
const keys = { manifest: './manifest-2.txt', results: './results-2.txt' };

/** What belongs to the user, or is named by kinds, stands for all that may be in it. */
const open = new Set(['schema', 'parameters', 'options', 'parsed', 'row', 'errors', 'error_groups', 'body', 'finish']);

/** `a.b[].c` for each key of a value, at every depth. */
function pathsIn(value: unknown, before = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsIn(item, `${before}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = before === '' ? key : `${before}.${key}`;
    return [path, ...(open.has(key) ? [] : pathsIn(inner, path))];
  });
}

const listOf = (values: readonly unknown[]): string =>
  [...new Set(values.flatMap((value) => pathsIn(value)))]
    .toSorted()
    .map((path) => `${path}\n`)
    .join('');

/** Without a GPU, whose numbers would be there on some machines only. */
const environment = { PATH: '' };

/** Rows with a template and a schema: some are answered, some fail, one at its second try. */
async function runRows(folder: CliFolder): Promise<void> {
  await folder.write('rows.csv', 'id,name,skills,city\n1,Ada,"python, sql",Rome\n2,Bo,none,Oslo\n1,Twice,none,Lima\n');
  await folder.write('schema.json', '{"type":"object","properties":{"verdict":{"enum":["hire","maybe"]}}}');
  const words = ['--schema', 'schema.json', '--prompt-template', '{{name}}: {{skills}}'];
  const system = ['--system', 'Score the candidate from 0 to 100. Required: python, sql'];
  const faults = ['fault_rate=1', 'fault_attempts=1', 'fault_kinds=server-error', 'answer=score'];
  await folder.run(['run', 'rows.csv', ...words, ...system, ...mock(...faults)], { environment });
}

async function runConversation(folder: CliFolder): Promise<void> {
  await folder.write('in.jsonl', prompts(3));
  await folder.run(['run', 'in.jsonl', '--mode', 'conversation', ...mock()], { environment });
}

/** The second run takes the answers of the first. */
async function runAgain(folder: CliFolder): Promise<void> {
  await folder.write('again.jsonl', prompts(2));
  const words = ['run', 'again.jsonl', ...mock(), '--temperature', '0'];
  await folder.run([...words, '-o', 'earlier.jsonl'], { environment });
  await folder.run([...words, '--reuse', 'earlier.jsonl'], { environment });
}

async function runOnServers(folder: CliFolder): Promise<void> {
  const servers = await Promise.all([startFakeOpenai(), startFakeOpenai()]);
  onTestFinished(async () => void (await Promise.all(servers.map((server) => server.close()))));
  await folder.write('shared.jsonl', prompts(30));
  const addresses = servers.flatMap(({ url }) => ['--base-url', url]);
  await folder.run(['run', 'shared.jsonl', '-b', 'openai', '-m', 'tiny-scorer', ...addresses], { environment });
}

test('the keys of its files are those that are documented', async () => {
  const folder = await createCliFolder();
  await runRows(folder);
  await runConversation(folder);
  await runOnServers(folder);
  await runAgain(folder);
  const outputs = ['rows.results.jsonl', 'in.results.jsonl', 'shared.results.jsonl', 'again.results.jsonl'];
  const results = (await Promise.all(outputs.map((name) => folder.results(name)))).flat();
  const manifests = ['rows', 'shared', 'again'].map(async (name): Promise<unknown> =>
    JSON.parse(await folder.text(`${name}.results.jsonl.run.json`)),
  );
  await expect(listOf(await Promise.all(manifests))).toMatchFileSnapshot(keys.manifest);
  await expect(listOf(results)).toMatchFileSnapshot(keys.results);
});

test('each JSON that is printed or written has keys in snake_case', async () => {
  const folder = await createCliFolder();
  await runRows(folder);
  await runConversation(folder);
  await runOnServers(folder);
  const run = await folder.run(['run', 'in.jsonl', '-o', 'o.jsonl', ...mock(), '--json', '--progress', 'json']);
  const printed = [run.stderr, run.stdout];
  for (const words of [
    ['status', 'rows.results.jsonl'],
    ['report', 'rows.results.jsonl'],
    ['status', 'shared.results.jsonl'],
    ['report', 'shared.results.jsonl'],
    ['validate', 'in.jsonl'],
    ['run', 'in.jsonl', ...mock(), '--dry-run'],
    ['run', 'in.jsonl', ...mock(), '--estimate', '2'],
    ['backends'],
  ]) {
    const { stdout } = await folder.run([...words, '--json']);
    expect([words, stdout.length > 100]).toEqual([words, true]);
    printed.push(stdout);
  }
  const files = await folder.everything();
  const written = files.flatMap(([path, text]) => (/\.(results\.jsonl|run\.json)$/.test(path) ? [text] : []));
  expect(written).toHaveLength(7);
  for (const text of [...printed, ...written]) expect(text).not.toMatch(/"[a-z0-9_]*[a-z0-9][A-Z]\w*":/);
});
