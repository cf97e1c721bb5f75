import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type CliFolder, createCliFolder } from '../helpers/run-cli.ts';

const rows = 'id,name\na/1,Ada\nb,Bo\nc,Cy\nd,Di\ne,Eve\n';
const schema = '{"type":"object","properties":{"score":{"type":"integer"}},"required":["score"]}';
const flags = ['-m', 'large', '--max-tokens', '50', '--system', 'Be short.', '--prompt-template', 'Score {{name}}.'];

async function folderWith(text: string, name = 'people.csv'): Promise<CliFolder> {
  const folder = await createCliFolder();
  await folder.write(name, text);
  return folder;
}

const convert = (folder: CliFolder, to: string, ...words: string[]) =>
  folder.run(['convert', 'people.csv', '--to', to, ...flags, ...words]);

const linesOf = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

/** The ids as they were sent, in the order of the rows. */
async function sentIds(folder: CliFolder, to: string): Promise<string[]> {
  const [, ...entries] = linesOf(await folder.text(`people.${to}/map.jsonl`)) as { sent: string }[];
  return entries.map(({ sent }) => sent);
}

const merge = async (folder: CliFolder, to: string, results: readonly unknown[]) => {
  await folder.write(`people.${to}/results-001.jsonl`, results.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const files = [`people.${to}/results-001.jsonl`, `people.${to}/refused.jsonl`];
  return folder.run(['merge', ...files, '-o', 'all.jsonl']);
};

/** Outcome of each row: its answer, or the code of its failure. */
const outcomes = async (folder: CliFolder): Promise<unknown[][]> =>
  (await folder.results('all.jsonl')).map(({ custom_id, response, error, llmbatch }) => [
    custom_id,
    error?.code ?? llmbatch.parsed ?? response?.body.choices?.[0]?.message?.content,
    response?.body.usage?.total_tokens,
  ]);

describe('llmbatch convert --to anthropic', () => {
  test('writes one JSON body, and takes its results back', async () => {
    const folder = await folderWith(rows);
    const { exitCode, stdout } = await convert(folder, 'anthropic', '--schema', schema, '--temperature', '0');
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('1 id changed to what Anthropic takes')]);
    const { requests } = JSON.parse(await folder.text('people.anthropic/part-001.json')) as { requests: unknown[] };
    const ids = await sentIds(folder, 'anthropic');
    expect(ids).toEqual([expect.stringMatching(/^a-1-[0-9a-f]{16}$/), 'b', 'c', 'd', 'e']);
    expect(requests).toHaveLength(5);
    expect(requests[0]).toEqual({
      custom_id: ids[0],
      params: {
        model: 'large',
        max_tokens: 50,
        system: 'Be short.',
        messages: [{ role: 'user', content: 'Score Ada.' }],
        temperature: 0,
        output_config: { format: { type: 'json_schema', schema: JSON.parse(schema) as unknown } },
      },
    });
    const message = (text: string, stop_reason: string) => ({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'large-2026',
      content: [{ type: 'text', text }],
      stop_reason,
      stop_sequence: null,
      usage: { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 3 },
    });
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    const { exitCode: merged } = await merge(folder, 'anthropic', [
      { custom_id: 'e', result: { type: 'expired' } },
      { custom_id: 'd', result: { type: 'errored', error } },
      { custom_id: 'c', result: { type: 'succeeded', message: message('{"sco', 'max_tokens') } },
      { custom_id: 'b', result: { type: 'succeeded', message: message('none', 'end_turn') } },
      { custom_id: ids[0], result: { type: 'succeeded', message: message('{"score":7}', 'end_turn') } },
    ]);
    expect(merged).toBe(3);
    expect(await outcomes(folder)).toEqual([
      ['a/1', { score: 7 }, 18],
      ['b', 'schema-invalid', undefined],
      ['c', 'truncated', undefined],
      ['d', 'overloaded', undefined],
      ['e', 'timeout', undefined],
    ]);
    const table = await folder.run(['export', 'all.jsonl', '--fields', 'id,name,score,prompt_tokens']);
    expect(table.stdout).toContain('a/1,Ada,7,15\n');
    expect((await folder.run(['report', 'all.jsonl'])).exitCode).toBe(0);
  });

  test('refuses what it has not, line by line and by name, and keeps it as failures', async () => {
    const folder = await folderWith(
      '{"id":"a","prompt":"x","seed":1,"min_p":0.1}\n{"id":"b","prompt":"x","temperature":1.5}\n{"id":"c","prompt":"x"}\nrubbish\n',
      'people.csv',
    );
    const words = [
      'convert',
      'people.csv',
      '--format',
      'jsonl',
      '--to',
      'anthropic',
      '-m',
      'large',
      '--max-tokens',
      '9',
    ];
    const { exitCode, stderr } = await folder.run(words);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('Anthropic has no "seed", "min_p"')]);
    expect(stderr).toContain('"temperature" is 1.5, and Anthropic takes 0 to 1');
    await merge(folder, 'anthropic', [{ custom_id: 'c', result: { type: 'canceled' } }]);
    expect((await outcomes(folder)).map(([id, what]) => [id, what])).toEqual([
      ['a', 'not-honoured'],
      ['b', 'not-honoured'],
      ['c', 'timeout'],
      ['line-4', 'input'],
    ]);
  });
});

describe('llmbatch convert --to openai', () => {
  test('writes its lines, and takes results and errors back', async () => {
    const folder = await folderWith(rows);
    expect((await convert(folder, 'openai')).exitCode).toBe(0);
    expect(linesOf(await folder.text('people.openai/part-001.jsonl'))[1]).toEqual({
      custom_id: 'b',
      method: 'POST',
      url: '/v1/chat/completions',
      body: {
        model: 'large',
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'Score Bo.' },
        ],
        max_completion_tokens: 50,
      },
    });
    const usage = { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 };
    const answer = (content: string, finish_reason: string) => ({
      status_code: 200,
      request_id: 'req_1',
      body: {
        id: 'x',
        object: 'chat.completion',
        model: 'l',
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason }],
        usage,
      },
    });
    const refusal = {
      status_code: 429,
      request_id: 'req_2',
      body: { error: { message: 'slow down', code: 'rate_limit' } },
    };
    await merge(folder, 'openai', [
      { id: 'batch_req_1', custom_id: 'b', response: answer('6', 'stop'), error: null },
      { id: 'batch_req_2', custom_id: 'c', response: answer('', 'content_filter'), error: null },
      { id: 'batch_req_3', custom_id: 'd', response: refusal, error: null },
      { id: 'batch_req_4', custom_id: 'e', response: null, error: { code: 'batch_expired', message: 'late' } },
      { id: 'batch_req_5', custom_id: 'nobody', response: answer('6', 'stop'), error: null },
    ]);
    expect(await outcomes(folder)).toEqual([
      ['b', '6', 6],
      ['c', 'refused', undefined],
      ['d', 'rate-limited', undefined],
      ['e', 'timeout', undefined],
    ]);
  });

  test('begins another file at 50,000 requests, and one for each model', async () => {
    const prompts = Array.from({ length: 50_001 }, (_, at) => `{"id":"r${at}","prompt":"x"}\n`).join('');
    const small = '{"id":"other","prompt":"x","model":"small"}\n';
    const folder = await folderWith(prompts.replaceAll('}', ',"model":"large"}') + small, 'people.jsonl');
    const { stdout } = await folder.run(['convert', 'people.jsonl', '--to', 'openai', '--json']);
    const { parts } = JSON.parse(stdout) as { parts: { name: string; model: string; requests: number }[] };
    expect(parts.map(({ name, model, requests }) => [name, model, requests])).toEqual([
      ['part-001.jsonl', 'large', 50_000],
      ['part-002.jsonl', 'large', 1],
      ['part-003.jsonl', 'small', 1],
    ]);
  });

  test('leaves a folder alone that is there', async () => {
    const folder = await folderWith(rows);
    await convert(folder, 'openai');
    const { exitCode, stderr } = await convert(folder, 'openai');
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('people.openai already exists')]);
  });
});

describe('llmbatch convert --to gemini, mistral', () => {
  test('writes the lines of Gemini, and takes its results back', async () => {
    const folder = await folderWith(rows);
    await convert(folder, 'gemini', '--schema', schema, '--stop', 'END');
    expect(linesOf(await folder.text('people.gemini/part-001.jsonl'))[1]).toEqual({
      key: 'b',
      request: {
        contents: [{ role: 'user', parts: [{ text: 'Score Bo.' }] }],
        systemInstruction: { parts: [{ text: 'Be short.' }] },
        generationConfig: {
          maxOutputTokens: 50,
          stopSequences: ['END'],
          responseMimeType: 'application/json',
          responseJsonSchema: JSON.parse(schema) as unknown,
        },
      },
    });
    const usageMetadata = { promptTokenCount: 4, candidatesTokenCount: 2, thoughtsTokenCount: 1, totalTokenCount: 7 };
    const answer = (text: string, finishReason: string) => ({
      candidates: [{ content: { role: 'model', parts: [{ text: 'hm', thought: true }, { text }] }, finishReason }],
      usageMetadata,
      modelVersion: 'large',
    });
    await merge(folder, 'gemini', [
      { key: 'b', response: answer('{"score":1}', 'STOP') },
      { key: 'c', response: answer('', 'SAFETY') },
      { key: 'd', response: { promptFeedback: { blockReason: 'SAFETY' } } },
      { key: 'e', error: { code: 8, message: 'quota' } },
    ]);
    expect(await outcomes(folder)).toEqual([
      ['b', { score: 1 }, 7],
      ['c', 'refused', undefined],
      ['d', 'refused', undefined],
      ['e', 'rate-limited', undefined],
    ]);
  });

  test('writes the lines of Mistral, whose jobs have one model each', async () => {
    const folder = await folderWith(rows);
    const { stdout } = await convert(folder, 'mistral', '--seed', '3', '-m', "mal'ice; echo $HOME");
    expect(linesOf(await folder.text('people.mistral/part-001.jsonl'))[1]).toEqual({
      custom_id: 'b',
      body: {
        messages: [
          { role: 'system', content: 'Be short.' },
          { role: 'user', content: 'Score Bo.' },
        ],
        max_tokens: 50,
        random_seed: 3,
      },
    });
    // The name of a model, which may come from a file, stays one word of the command.
    const [word = ''] = /--arg model (.*?) --arg file/.exec(stdout)?.slice(1) ?? [];
    const echoed = await promisify(execFile)('sh', ['-c', `printf %s ${word}`]);
    expect(echoed.stdout).toBe("mal'ice; echo $HOME");
  });
});
