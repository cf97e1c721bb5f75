// The answers of a real model against those of transformers, which fixtures/references/make.py has written.
import { readFileSync } from 'node:fs';

/** An answer may differ only behind a token whose margin over the second best is no more than this (in the logit). */
const sureMargin = 0.5;

/** Each id once, each prompt of as many tokens, each answer the same as far as the reference is sure. */
export function compareWithReference({ input, output, reference }) {
  const ids = readLines(input).map(({ custom_id: id }) => id);
  const references = new Map(readLines(reference).map((row) => [row.custom_id, row]));
  const counts = { requests: ids.length, results: 0, repeated: 0, missing: 0, failed: 0, compared: 0, same: 0 };
  Object.assign(counts, { differsWhereUnsure: 0, differsWhereSure: 0, otherPromptTokens: 0, sureTokens: 0, first: [] });
  const seen = new Set();
  for (const { custom_id: id, response } of readLines(output)) {
    counts.results++;
    if (seen.has(id)) counts.repeated++;
    seen.add(id);
    if (response?.status_code !== 200) counts.failed++;
    else if (references.has(id)) judge(counts, references.get(id), response.body);
  }
  counts.missing = ids.filter((id) => !seen.has(id)).length;
  return counts;
}

const readLines = (path) => readFileSync(path, 'utf8').trim().split('\n').map(JSON.parse);

function judge(counts, reference, { choices, usage }) {
  counts.compared++;
  if (usage.prompt_tokens !== reference.prompt_tokens) counts.otherPromptTokens++;
  const { pieces, margins } = reference;
  const text = choices[0].message.content.trimEnd();
  const whole = pieces.join('');
  const unsure = margins.findIndex((margin) => margin <= sureMargin);
  const sure = pieces.slice(0, unsure === -1 ? pieces.length : unsure).join('');
  counts.sureTokens += unsure === -1 ? margins.length : unsure;
  if (text === whole.trimEnd()) counts.same++;
  else if (unsure !== -1 && text.startsWith(sure.trimEnd())) counts.differsWhereUnsure++;
  else {
    counts.differsWhereSure++;
    if (counts.first.length < 5) counts.first.push({ id: reference.custom_id, text, reference: whole, margins });
  }
}
