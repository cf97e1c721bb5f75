import { appendFile, truncate } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type CliFolder, countLines, createCliFolder, mock, prompts, until } from '../helpers/run-cli.ts';

const output = 'in.results.jsonl';

/** A finished run whose output then loses its last lines, as by a crash before they were synced. */
async function interruptedRun(lines: number, kept: number, flags = mock()): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write('in.jsonl', prompts(lines));
  await folder.run(['run', 'in.jsonl', ...flags]);
  const text = await folder.text(output);
  const head = text
    .split('\n')
    .slice(0, kept)
    .map((line) => `${line}\n`)
    .join('');
  await truncate(folder.at(output), Buffer.byteLength(head));
  return folder;
}

const idsIn = async (folder: CliFolder, name = output): Promise<string[]> =>
  (await folder.results(name)).map(({ custom_id }) => custom_id);
const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `r${index + 1}`);

describe('llmbatch resume', () => {
  test('goes on with the run of the named output, and keeps what was there byte for byte', async () => {
    const folder = await interruptedRun(50, 20);
    const before = await folder.text(output);
    const { exitCode, stderr } = await folder.run(['resume', output, '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Finished: 50 requests done')]);
    expect(await idsIn(folder)).toEqual(ids(50));
    expect((await folder.text(output)).startsWith(before)).toBe(true);
    expect((await folder.manifest('in.results.jsonl.run.json')).sessions).toBe(2);
  });

  test('goes on by the same run command too, and a finished run sends nothing again', async () => {
    const folder = await interruptedRun(20, 5);
    const again = await folder.run(['run', 'in.jsonl', ...mock()]);
    const finished = await folder.text(output);
    const third = await folder.run(['run', 'in.jsonl', ...mock()]);
    expect([again.exitCode, third.exitCode]).toEqual([0, 0]);
    expect(await idsIn(folder)).toEqual(ids(20));
    expect(await folder.text(output)).toBe(finished);
  });

  test('finds the newest unfinished run of the folder', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(60));
    await folder.run(['run', 'in.jsonl', '-o', 'finished.jsonl', ...mock()]);
    const stopped = folder.start(['run', 'in.jsonl', ...mock('latency_ms=20', 'slots=2')]);
    await until(async () => (await countLines(folder.at(output))) > 0);
    stopped.child.kill('SIGKILL');
    await stopped.outcome;
    const resumed = await folder.run(['resume', '--progress', 'none']);
    const other = await createCliFolder();
    const elsewhere = await other.run(['resume']);
    expect(resumed.stderr).toContain(folder.at(output));
    expect([elsewhere.exitCode, elsewhere.stderr]).toEqual([2, expect.stringContaining('no unfinished run')]);
  });

  test('names the command that tries the failed again, where the run of the folder is finished', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', `${prompts(2)}no JSON\n`);
    await folder.run(['run', 'in.jsonl', ...mock('fault_rate=1', 'fault_kinds=refused'), '--max-error-rate', '1']);
    const { exitCode, stderr } = await folder.run(['resume']);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('no unfinished run was started in this folder')]);
    expect(stderr).toContain('in.results.jsonl is finished, with 3 requests failed');
    expect(stderr).toMatch(/llmbatch resume in\.results\.jsonl .*--retry-failed all/);
  });

  test('cuts a torn last line, says so, and keeps it aside', async () => {
    const folder = await interruptedRun(10, 5);
    await appendFile(folder.at(output), '{"id":"batch_req_torn","custom_id":"r6","respon');
    const { exitCode, stderr } = await folder.run(['resume', output, '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('a torn last line of 47 bytes')]);
    expect(await idsIn(folder)).toEqual(ids(10));
    expect(await folder.text(`${output}.torn`)).toContain('batch_req_torn');
  });

  test('tries transient failures again, permanent ones only when asked to', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', prompts(20));
    const flags = mock('fault_rate=0.5', 'fault_attempts=1', 'fault_kinds=server-error,bad-request');
    const first = await folder.run(['run', 'in.jsonl', '--retries', '0', '--max-error-rate', '1', ...flags]);
    const before = (await folder.results(output)).flatMap(({ error }) => error?.code ?? []);
    const second = await folder.run(['resume', output, '--retries', '2', '--progress', 'none']);
    const left = (await folder.results(output)).flatMap(({ error }) => error?.code ?? []);
    expect([first.exitCode, second.exitCode]).toEqual([3, 3]);
    expect(new Set(before)).toEqual(new Set(['server-error', 'bad-request']));
    expect(new Set(left)).toEqual(new Set(['bad-request']));
    expect(await idsIn(folder)).toEqual(ids(20));
  });

  test('refuses a changed setting by its name, and --allow-drift records it', async () => {
    const folder = await interruptedRun(20, 5);
    const refused = await folder.run(['run', 'in.jsonl', '--temperature', '0.5', ...mock()]);
    const allowed = await folder.run(['run', 'in.jsonl', '--temperature', '0.5', '--allow-drift', ...mock()]);
    expect([refused.exitCode, allowed.exitCode]).toEqual([5, 0]);
    expect(refused.stderr).toContain('--temperature default → 0.5');
    expect((await folder.manifest('in.results.jsonl.run.json')).drift).toEqual(['--temperature default → 0.5']);
  });

  test('takes the lines that were added to the end of the input, and says so', async () => {
    const folder = await interruptedRun(20, 5);
    await appendFile(folder.at('in.jsonl'), prompts(5, 21));
    const { exitCode, stderr } = await folder.run(['resume', output, '--progress', 'none']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('the input has grown')]);
    expect(await idsIn(folder)).toEqual(ids(25));
  });

  test('refuses an input that was changed otherwise, and --allow-drift records it', async () => {
    const folder = await interruptedRun(20, 5);
    await folder.write('in.jsonl', prompts(20).replace('question 3', 'question three'));
    const refused = await folder.run(['resume', output]);
    const allowed = await folder.run(['resume', output, '--allow-drift', '--progress', 'none']);
    expect([refused.exitCode, refused.stderr]).toEqual([
      5,
      expect.stringMatching(/input: its content changed \(SHA-256 \w{12} → \w{12}\)/),
    ]);
    expect(allowed.exitCode).toBe(0);
    expect(await idsIn(folder)).toEqual(ids(20));
  });

  test('refuses the output of a run of another input, and a file that no run wrote', async () => {
    const folder = await interruptedRun(5, 2);
    await folder.write('other.jsonl', prompts(5));
    await folder.write('notes.jsonl', 'my notes\n');
    const other = await folder.run(['run', 'other.jsonl', '-o', output, ...mock()]);
    const foreign = await folder.run(['run', 'in.jsonl', '-o', 'notes.jsonl', ...mock()]);
    const unknown = await folder.run(['resume', 'notes.jsonl']);
    expect([other.exitCode, other.stderr]).toEqual([5, expect.stringContaining('belongs to another run')]);
    expect([foreign.exitCode, foreign.stderr]).toEqual([5, expect.stringContaining('no run of llmbatch wrote it')]);
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('no run wrote notes.jsonl')]);
    expect(await folder.text('notes.jsonl')).toBe('my notes\n');
    for (const args of [
      ['resume', 'in.jsonl'],
      ['status', 'in.result.jsonl'],
      ['pause', 'in.jsonl'],
    ])
      expect((await folder.run(args)).stderr).toContain(`Did you mean ${output}?`);
  });

  test('starts anew with --overwrite', async () => {
    const folder = await interruptedRun(5, 2);
    const { exitCode } = await folder.run(['run', 'in.jsonl', '--overwrite', ...mock('answer=text:new')]);
    expect(exitCode).toBe(0);
    const results = await folder.results(output);
    expect(results.map(({ response }) => response?.body.choices?.[0]?.message?.content)).toEqual(Array(5).fill('new'));
  });

  test('counts the seconds of a session that was killed, in its report and after it', async () => {
    const folder = await interruptedRun(20, 5);
    const path = 'in.results.jsonl.run.json';
    const { summary, ...written } = JSON.parse(await folder.text(path)) as { summary: object };
    const times = { ...summary, elapsed_seconds: 110, paused_seconds: 10 };
    const killed = { ...written, state: 'running', finished_at: null, earlier_seconds: 20, summary: times };
    await folder.write(path, JSON.stringify(killed));
    const { stdout } = await folder.run(['report', output, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      elapsed_seconds: 120,
      run: { state: 'stopped', elapsed_seconds: 120, paused_seconds: 10, ended_at: null },
    });
    await folder.run(['resume', output, '--progress', 'none']);
    const { earlierSeconds, pausedSeconds, summary: last } = await folder.manifest(path);
    expect(earlierSeconds).toBeCloseTo(130 + (last?.times.elapsedSeconds ?? 0), 0);
    expect(pausedSeconds).toBe(10);
  });

  test('sends the lines with an empty field that are allowed now, and leaves the answers as they are', async () => {
    const folder = await createCliFolder();
    await folder.write('in.jsonl', '{"id":"r1","text":"good"}\n{"id":"r2","text":""}\n{"id":"r3","text":null}\n');
    const run = ['run', 'in.jsonl', '--prompt-template', 'Rate: {{text}}', ...mock()];
    expect((await folder.run(run)).exitCode).toBe(3);
    const [first] = await folder.results(output);
    const resumed = await folder.run(['resume', output, '--allow-empty-fields', '--progress', 'none']);
    expect([resumed.exitCode, await idsIn(folder)]).toEqual([0, ids(3)]);
    const again = await folder.run([...run, '--allow-empty-fields']);
    expect([again.exitCode, again.stderr]).toEqual([0, expect.stringContaining('Nothing to do: 3 requests')]);
    expect((await folder.results(output))[0]).toEqual(first);
    const forbidden = await folder.run(run);
    expect([forbidden.exitCode, forbidden.stderr]).toEqual([
      5,
      expect.stringContaining('--allow-empty-fields on → off'),
    ]);
  });

  test('takes runner flags of its own', async () => {
    const folder = await interruptedRun(20, 5);
    const { exitCode, stdout } = await folder.run(['resume', output, '--workers', '3', '--json', '--progress', 'none']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ workers: 3, done: 20, state: 'finished' });
  });
});
