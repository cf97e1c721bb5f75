// The cells of embedded-speed.mjs, and their requests.
import { writeFileSync } from 'node:fs';

const cell = (model, threads, rubricTokens, answerTokens, count) => ({
  name: `${model}-${threads}-${rubricTokens}-${answerTokens}`,
  model,
  threads,
  rubricTokens,
  answerTokens,
  count,
});

/** Model, CPU threads, about so many tokens of the rubric that all share, so many of an answer at most, requests. */
export const allCells = [
  cell('smollm2', 2, 200, 8, 60),
  cell('smollm2', 2, 200, 100, 24),
  cell('smollm2', 2, 2000, 8, 40),
  cell('smollm2', 2, 2000, 100, 24),
  cell('smollm2', 1, 200, 40, 40),
  cell('gemma3', 2, 200, 40, 40),
];

const things = 'lighthouses,rain,bread,calendars,bicycles,photosynthesis,chess,libraries,the tides,glass'.split(',');
const askers = 'a child,a cook,a sailor,a teacher,a farmer,a judge'.split(',');

/** Writes the requests of a cell: one system prompt, and a question of some 20 tokens whose answer is long. */
export function writeRequests(path, { rubricTokens, answerTokens, count }) {
  const system = rubric(rubricTokens);
  const lines = Array.from({ length: count }, (_, index) => {
    const [thing, asker] = [things[index % things.length], askers[index % askers.length]];
    const content = `Question ${index + 1}: write a long text about ${thing} for ${asker}, with many details.`;
    const messages = [
      { role: 'system', content: system },
      { role: 'user', content },
    ];
    const body = { messages, temperature: 0, max_tokens: answerTokens };
    return { custom_id: `request-${index + 1}`, method: 'POST', url: '/v1/chat/completions', body };
  });
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Rules of about 20 tokens each. */
function rubric(tokens) {
  const rules = Array.from({ length: Math.round(tokens / 20) }, (_, index) => {
    const [first, second] = [things[(index * 3) % things.length], askers[(index * 5) % askers.length]];
    return `Rule ${index + 1}: a text about ${first} for ${second} names three facts and one story.`;
  });
  return `You write texts by these rules.\n${rules.join('\n')}`;
}
