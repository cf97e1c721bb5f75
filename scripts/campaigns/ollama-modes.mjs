// The modes on a real Ollama server: answers against the truth, requests a second, prompt tokens computed. One server with
// one slot and one with four, both with the model tiny-scorer. About 10 minutes.
//   node scripts/campaigns/ollama-modes.mjs --one 127.0.0.1:11501 --one-log FILE --four 127.0.0.1:11500 --four-log FILE \
//     --restart "how the server with one slot is killed and started again" [--count 1000]
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { computedTokens, runCommand, versionOf } from './ollama-server.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: {
    one: { type: 'string' },
    'one-log': { type: 'string' },
    four: { type: 'string' },
    'four-log': { type: 'string' },
    restart: { type: 'string' },
    count: { type: 'string', default: '1000' },
  },
});
const servers = {
  1: { host: values.one, log: values['one-log'] },
  4: { host: values.four, log: values['four-log'] },
};
const { folder, input: oneRubric, finish } = await startCampaign('ollama-modes', values.count);
const different = join(folder, 'different.jsonl');
copyFileSync(fileURLToPath(new URL('../../fixtures/candidates.jsonl', import.meta.url)), different);

const rows = [];
for (const slots of [1, 4]) {
  for (const workers of [1, 4, 8, 16])
    await measure('500 candidates, 417 rubrics', { slots, workers, input: different });
}
for (const [slots, workers] of [
  [1, 1],
  [1, 4],
  [4, 4],
]) {
  await measure('one rubric', { slots, workers, input: oneRubric });
}
const conversation = ['--mode', 'conversation'];
for (const [slots, workers] of [
  [1, 1],
  [4, 4],
]) {
  await measure('one rubric, conversation', { slots, workers, input: oneRubric, flags: conversation });
}
await measure('one rubric, conversation, runner killed by -9 and resumed, server killed and started', {
  ...{ slots: 1, workers: 1, input: oneRubric, flags: conversation, isHard: true },
});
await measure('one rubric, conversation, 4 histories on 1 slot (first 200)', {
  ...{ slots: 1, workers: 4, input: oneRubric },
  flags: [...conversation, '--force-histories', '--limit', '200'],
});
const reference = await bareConversation();
const command =
  'node scripts/campaigns/ollama-modes.mjs --one HOST --one-log FILE --four HOST --four-log FILE --restart COMMAND';
finish({ server: `ollama ${await versionOf(values.one)}`, rows, reference }, `${command} --count ${values.count}`);

async function measure(what, { slots, workers, input, flags = [], isHard = false }) {
  const { host, log } = servers[slots];
  const output = join(folder, `${rows.length}.jsonl`);
  const common = ['--host', host, '--workers', String(workers), '--json'];
  const run = ['run', input, '-o', output, '-b', 'ollama', '--option', 'num_thread=1', ...common, ...flags];
  const tokens = computedTokens(log);
  const sessions = isHard ? await hardSessions(run, output, common) : [await runSession(run, { cwd: folder })];
  const { summary, notes } = sessions.at(-1);
  const check = checkAnswers(input, output);
  const row = {
    ...{ what, slots, workers: summary.workers, requests: summary.done, right: check.right, wrong: check.wrong },
    failed: summary.failed,
    requests_per_second: sessions.length === 1 ? Math.round(summary.overall_rate * 10) / 10 : null,
    prompt_tokens: summary.tokens.prompt,
    computed_prompt_tokens: tokens.since(),
    trims: summary.context.trims,
    exit_codes: sessions.map(({ exitCode, signal }) => signal ?? exitCode),
    answers: answersOf(output),
    notes: isHard ? sessions.flatMap((session) => session.notes) : notes,
  };
  rows.push(row);
  console.error(JSON.stringify({ ...row, answers: undefined, notes: undefined }));
  if (sessions.length > 1) console.error(row.notes.join('\n'));
}

/** The runner is killed at two fifths; in the resumed session the server, at four fifths. */
async function hardSessions(run, output, common) {
  const count = Number(values.count);
  const first = await runSession(run, { cwd: folder, endAt: count * 0.4 });
  const state = { isRestarted: false };
  const onDone = (done) => {
    if (state.isRestarted || done < count * 0.8) return;
    state.isRestarted = true;
    runCommand(values.restart);
  };
  const second = await runSession(['resume', output, ...common], { cwd: folder, onDone });
  return [first, second];
}

function answersOf(output) {
  const lines = readFileSync(output, 'utf8').trim().split('\n').map(JSON.parse);
  return new Map(lines.map((line) => [line.custom_id, line.response?.body.choices[0].message.content ?? null]));
}

/**
 * The conversation of one worker, by a loop that shares nothing with llmbatch: what the model itself answers to such a
 * history. Each answer of the runs above is compared with it.
 */
async function bareConversation() {
  const lines = readFileSync(oneRubric, 'utf8').trim().split('\n').map(JSON.parse);
  const [system] = lines[0].body.messages;
  let history = [];
  let right = 0;
  const answers = new Map();
  for (const [index, { custom_id: id, body, expected }] of lines.entries()) {
    if (index > 0 && index % 50 === 0) history = history.slice(-40);
    const question = body.messages[1];
    const options = { num_ctx: 4096, num_thread: 1, temperature: 0, num_predict: body.max_tokens, repeat_penalty: 1 };
    const request = {
      model: body.model,
      messages: [system, ...history, question],
      options,
      truncate: false,
      stream: false,
    };
    const response = await fetch(`http://${values.one}/api/chat`, { method: 'POST', body: JSON.stringify(request) });
    const { message } = await response.json();
    answers.set(id, message.content);
    right += Number(message.content === JSON.stringify(expected));
    history.push(question, { role: 'assistant', content: message.content });
  }
  for (const row of rows) {
    const isOneHistory = row.what.includes('conversation') && row.workers === 1;
    row.same_as_bare_loop = isOneHistory
      ? [...answers].filter(([id, text]) => row.answers.get(id) === text).length
      : null;
    delete row.answers;
  }
  return { what: 'the same conversation by a bare loop', requests: lines.length, right };
}
