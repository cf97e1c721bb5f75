// What embedded-speed.mjs makes of its rounds: medians, ratios, and a table.
import { median } from './start-campaign.mjs';

const measured = ['rate', 'token_rate', 'cpu_seconds', 'computed_prompt_tokens', 'prompt_tokens', 'answer_tokens'];

/** Medians of each arm, and each of the others over the last one: the median of the ratios within a round. */
export function summaryOf(rounds, names) {
  const base = names.at(-1);
  const medians = Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(measured.map((key) => [key, median(rounds.map((round) => round[name][key]))])),
    ]),
  );
  const ratios = Object.fromEntries(
    names.slice(0, -1).map((name) => {
      const ratio = (key) => median(rounds.map((round) => round[name][key] / round[base][key]));
      return [
        name,
        { to: base, rate: ratio('rate'), token_rate: ratio('token_rate'), cpu_seconds: ratio('cpu_seconds') },
      ];
    }),
  );
  for (const round of rounds) countSameAnswers(round, names, base);
  return { medians, ratios, rounds };
}

/** Puts in place of the texts how many are the same as those of the last arm. */
function countSameAnswers(round, names, base) {
  const truth = round[base].texts;
  for (const name of names) {
    const { texts, ...rest } = round[name];
    round[name] = { ...rest, same_answers: texts.filter((text, index) => text === truth[index]).length };
  }
}

/** A table in Markdown: a row for each cell and arm. */
export function tableOf(cells, { command, date, cpu, cores, node_llama_cpp: library, llama_server: server }) {
  const rows = cells.flatMap((cell) =>
    Object.entries(cell.medians).map(([arm, values]) => {
      const ratio = cell.ratios[arm];
      const numbers = [values.rate, values.token_rate, values.cpu_seconds].map((value) => value.toFixed(2));
      const computed = `${values.computed_prompt_tokens} of ${values.prompt_tokens}`;
      const over = ratio === undefined ? '' : `${ratio.rate.toFixed(2)} (CPU ${ratio.cpu_seconds.toFixed(2)})`;
      const same = `${median(cell.rounds.map((round) => round[arm].same_answers))} of ${cell.count}`;
      return `| ${[cell.name, arm, ...numbers, over, computed, same].join(' | ')} |`;
    }),
  );
  const [first] = cells;
  return [
    '# The embedded engine and `llama-server`',
    '',
    `${date.slice(0, 10)}, ${cores} cores (${cpu}), node-llama-cpp ${library}, llama-server ${server}.`,
    'Cells are named by model, threads, tokens of the rubric that all requests share, and tokens of an answer at most. Four requests at once,',
    `medians of ${first.rounds.length} rounds, the arms in turn from both ends. Made by \`${command}\`.`,
    '',
    '| cell | arm | req/s | tokens/s | CPU s | over the last arm | prompt tokens computed | same answers |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
