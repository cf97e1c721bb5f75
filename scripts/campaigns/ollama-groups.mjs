// Six rubrics in turn: prompt tokens computed when `llmbatch run` groups the requests by system prompt, and by a bare loop in
// the order of the file; one server slot. The bound: each rubric once, and of each request what follows it.
//   node scripts/campaigns/ollama-groups.mjs --host 127.0.0.1:11501 --log FILE [--count 600]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { computedTokens, versionOf } from './ollama-server.mjs';
import { runSession } from './sessions.mjs';
import { checkAnswers, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: { host: { type: 'string' }, log: { type: 'string' }, count: { type: 'string', default: '600' } },
});
const { folder, input, finish } = await startCampaign('ollama-groups', values.count, 6);
const flags = [
  '-b',
  'ollama',
  '--host',
  values.host,
  '--workers',
  '1',
  '--option',
  'num_thread=1',
  '--option',
  'num_ctx=1024',
];
const tokens = computedTokens(values.log);

const grouped = join(folder, 'grouped.jsonl');
const { summary } = await runSession(['run', input, '-o', grouped, ...flags, '--json'], { cwd: folder });
const groupedTokens = tokens.since();
const lines = readFileSync(input, 'utf8').trim().split('\n').map(JSON.parse);
const rightInTurn = await askInTurn();
const tokensInTurn = tokens.since();
const result = {
  ...{ server: `ollama ${await versionOf(values.host)}`, requests: Number(values.count), rubrics: 6, slots: 1 },
  right: { grouped: checkAnswers(input, grouped).right, in_input_order: rightInTurn },
  prompt_tokens: summary.tokens.prompt,
  computed_prompt_tokens: {
    grouped: groupedTokens,
    in_input_order: tokensInTurn,
    bound_by_system_prompts: await bound(),
  },
};
finish(result, `node scripts/campaigns/ollama-groups.mjs --host HOST --log FILE --count ${values.count}`);
console.log(JSON.stringify(result));

/** One request after the other, as they stand in the file. Resolves with how many answers are right. */
async function askInTurn() {
  let right = 0;
  for (const { body, expected } of lines) {
    const options = { num_ctx: 1024, num_thread: 1, temperature: 0, num_predict: body.max_tokens, repeat_penalty: 1 };
    const { message } = await ask({ messages: body.messages, options });
    right += Number(message.content === JSON.stringify(expected));
  }
  return right;
}

async function ask(request) {
  const body = JSON.stringify({ model: 'tiny-scorer', stream: false, ...request });
  return (await fetch(`http://${values.host}/api/chat`, { method: 'POST', body })).json();
}

/** The server keeps what two prompts have in common from their beginning; so each request computes at least the rest. */
async function bound() {
  const systems = [...new Set(lines.map(({ body }) => body.messages[0].content))];
  const prefixes = new Map();
  for (const content of systems) prefixes.set(content, await prefixTokens(content));
  const all = summary.tokens.prompt;
  const shared = lines.reduce((sum, { body }) => sum + prefixes.get(body.messages[0].content), 0);
  return all - shared + [...prefixes.values()].reduce((sum, value) => sum + value, 0);
}

/** Tokens from the beginning of the prompt to where the candidate's text begins, by the server's own count. */
async function prefixTokens(content) {
  const messages = [
    { role: 'system', content },
    { role: 'user', content: 'x' },
  ];
  const options = { num_ctx: 1024, num_thread: 1, num_predict: 1 };
  const { prompt_eval_count: all } = await ask({ messages, options });
  // After the text: its own token, the end of the turn, and the beginning of the answer's.
  const afterText = 1 + 5;
  return all - afterText;
}
