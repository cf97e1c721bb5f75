import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

interface Candidate {
  custom_id: string;
  body: { messages: { content: string }[] };
  expected: { matched: string[]; score: number; verdict: string };
}

interface Outcome {
  code: number;
  stdout: string;
}

let folder: string;
let inputPath: string;
let candidates: Candidate[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'check-answers-'));
  inputPath = path.join(folder, 'input.jsonl');
  const { stdout } = await script('make-candidates', '--count', '2000', '--systems', '5', '--seed', '3');
  candidates = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Candidate);
  await writeFile(inputPath, stdout);
});

afterAll(() => rm(folder, { recursive: true }));

const script = (name: string, ...values: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    execFile(process.execPath, [`scripts/${name}.mjs`, ...values], { maxBuffer: 1 << 28 }, (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), stdout });
    });
  });

const right = ({ expected }: Candidate): string =>
  JSON.stringify({ verdict: expected.verdict, score: expected.score, matched: expected.matched }, null, 1);

const resultLine = (candidate: Candidate, content: string): string =>
  JSON.stringify({
    custom_id: candidate.custom_id,
    response: { status_code: 200, body: { choices: [{ message: { role: 'assistant', content } }] } },
    error: null,
  });

async function check(lines: string[]): Promise<{ code: number; counts: Record<string, number> }> {
  const outputPath = path.join(folder, 'output.jsonl');
  await writeFile(outputPath, `${lines.join('\n')}\n`);
  const { code, stdout } = await script('check-answers', '--json', inputPath, outputPath);
  return { code, counts: JSON.parse(stdout) as Record<string, number> };
}

const rightLines = (): string[] => candidates.map((candidate) => resultLine(candidate, right(candidate)));

test('candidates are made with as many rubrics as asked, interleaved, and the same for the same seed', async () => {
  const rubrics = candidates.map(({ body }) => body.messages[0]?.content);
  expect(new Set(rubrics).size).toBe(5);
  expect(new Set(rubrics.slice(0, 5)).size).toBe(5);
  const again = await script('make-candidates', '--count', '2000', '--systems', '5', '--seed', '3');
  expect(again.stdout.trimEnd().split('\n')).toEqual(candidates.map((candidate) => JSON.stringify(candidate)));
});

test('right answers in any order, with other spaces and order of keys, are right', async () => {
  const { code, counts } = await check(rightLines().toReversed());
  expect(counts).toMatchObject({ ok: true, input: 2000, output: 2000, right: 2000, first: [] });
  expect(code).toBe(0);
});

test('a missing, a repeated, an unknown, a wrong, a failed and a torn line are each found', async () => {
  const lines = rightLines();
  const [first, second, third] = candidates;
  if (first === undefined || second === undefined || third === undefined) throw new Error('no candidates');
  lines[0] = resultLine(first, '{"matched":[],"score":-1,"verdict":"hire"}');
  lines[1] = JSON.stringify({ custom_id: second.custom_id, response: null, error: { code: 'timeout', message: '' } });
  lines[2] = resultLine({ ...third, custom_id: 'stranger' }, '');
  lines.push(lines[5] ?? '', '{"custom_id":"candid');
  const { code, counts } = await check(lines);
  const found = { right: 1997, wrong: 1, failed: 1, unknown: 1, missing: 1, repeated: 1, unreadable: 1 };
  expect(counts).toMatchObject({ ok: false, ...found });
  expect(code).toBe(1);
});

test('fuzzed lines are counted as a reader that splits at line feeds counts them', async () => {
  const fuzz = await new Promise<{ bytes: Buffer; lines: number }>((resolve) => {
    const values = ['scripts/fuzz-lines.mjs', '--count', '5000', '--seed', '9'];
    execFile(process.execPath, values, { maxBuffer: 1 << 28, encoding: 'buffer' }, (_error, stdout, stderr) => {
      resolve({ bytes: stdout, lines: Number(stderr) });
    });
  });
  const lines = fuzz.bytes.toString('latin1').split('\n');
  expect(fuzz.lines).toBe(lines.filter((line) => /[^ \t\r]/.test(line)).length);
  expect(fuzz.lines).toBeGreaterThan(4500);
});
