/** The command that turns a file of another shape into requests. */
export const turnWith = (program: string): string =>
  `turn the file with: jq -c '${program}' input.jsonl > questions.jsonl`;

/** Text of Gemini's parts. */
const partsText = '(.parts | map(.text) | join(""))';

export const geminiToMessages =
  '(.request // .) as $r | {id: (.key // .id), max_tokens: $r.generationConfig.maxOutputTokens, ' +
  'temperature: $r.generationConfig.temperature, messages: ([($r.systemInstruction // $r.system_instruction) ' +
  `| select(.) | {role: "system", content: ${partsText}}] + [$r.contents[] ` +
  `| {role: (if .role == "model" then "assistant" else "user" end), content: ${partsText}}])}`;

/** The last answer is what the model is to write. */
export const talksToMessages =
  '{id, messages: [(.conversations // .conversation | if .[-1].from == "gpt" then .[:-1] else . end)[] ' +
  '| {role: ({human: "user", gpt: "assistant"}[.from] // .from), content: .value}]}';

export const responsesToChat =
  '.url = "/v1/chat/completions" | .body |= ({model, temperature, top_p, max_tokens: .max_output_tokens, ' +
  'messages: ([{role: "system", content: .instructions} | select(.content)] + (if (.input | type) == "string" ' +
  'then [{role: "user", content: .input}] else .input end)), response_format: (.text.format | select(.) // null | ' +
  'if .type? == "json_schema" then {type, json_schema: {name, schema}} else . end)} | with_entries(select(.value != null))) ' +
  '| walk(if type == "object" and (.type == "input_text" or .type == "output_text") then .type = "text" else . end)';
