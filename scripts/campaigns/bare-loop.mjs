// Runner against engine: the same candidates through `llmbatch run` (files, checkpoint, fsync) and through a bare loop over
// the engine's library, in turn, at the same number of sequences. Medians of three. About 3 minutes.
//   node scripts/campaigns/bare-loop.mjs [--count 3000] [--sequences 8] [--rounds 3]
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Template } from '@huggingface/jinja';
import { LlamaLogLevel, getLlama } from 'node-llama-cpp';
import { runSession } from './sessions.mjs';
import { median, startCampaign } from './start-campaign.mjs';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '3000' },
    sequences: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
  },
});
const sequences = Number(values.sequences);
const { folder, input, finish } = await startCampaign('bare-loop', values.count);
const rows = readFileSync(input, 'utf8').trim().split('\n').map(JSON.parse);

const rounds = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const args = ['run', input, '--workers', values.sequences, '--overwrite', '--json'];
  const { summary } = await runSession(args, { cwd: folder });
  rounds.push({ llmbatch: summary.overall_rate, bare_loop: await bareLoop() });
  console.error(JSON.stringify(rounds.at(-1)));
}
const ratio = median(rounds.map(({ llmbatch, bare_loop: bare }) => llmbatch / bare));
const command = `node scripts/campaigns/bare-loop.mjs --count ${values.count} --sequences ${values.sequences} --rounds ${values.rounds}`;
finish({ requests: rows.length, sequences, unit: 'requests per second', ratio, rounds }, command);
console.log(JSON.stringify({ ratio, rounds }));

/** Requests per second of the engine alone: render, tokenize, evaluate, with the prefix kept for each sequence. */
async function bareLoop() {
  const llama = await getLlama({ gpu: false, build: 'never', maxThreads: 1, logLevel: LlamaLogLevel.error });
  const modelPath = fileURLToPath(new URL('../../fixtures/tiny-scorer.gguf', import.meta.url));
  const model = await llama.loadModel({ modelPath });
  const template = new Template(model.fileInfo.metadata.tokenizer.chat_template);
  const context = await model.createContext({ sequences, contextSize: 4096, threads: 1, flashAttention: false });
  const state = { next: 0, right: 0 };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: sequences }, () => answerRows(context.getSequence())));
  const seconds = (performance.now() - startedAt) / 1000;
  if (state.right < rows.length) throw new Error(`only ${state.right} of ${rows.length} right`);
  await llama.dispose();
  return rows.length / seconds;

  async function answerRows(sequence) {
    while (state.next < rows.length) {
      const { body, expected } = rows[state.next++];
      const text = template.render({ messages: body.messages, add_generation_prompt: true });
      const prompt = [model.tokens.bos, ...model.tokenize(text, true)];
      await sequence.adaptStateToTokens(prompt.slice(0, -1), false);
      const answer = [];
      const options = { temperature: 0, yieldEogToken: true };
      for await (const token of sequence.evaluate(prompt.slice(sequence.nextTokenIndex), options)) {
        if (model.isEogToken(token)) break;
        answer.push(token);
      }
      state.right += Number(model.detokenize(answer) === JSON.stringify(expected));
    }
  }
}
