// A stub that speaks Ollama's wire format and answers at once, to measure what a client costs. Prints its address.
//   node scripts/campaigns/instant-ollama.mjs
import { createServer } from 'node:http';

const model = 'tiny-scorer';
const pieces = ['{"', 'matched', '":["', 'sql', '"],"', 'score', '":60,"', 'verdict', '":"maybe"}'];
const head = { model, created_at: '2026-11-22T04:16:00.190455094Z' };
const counts = {
  ...{ done: true, done_reason: 'stop', total_duration: 9_297_234, load_duration: 711_935 },
  ...{ prompt_eval_count: 39, prompt_eval_cached_count: 8, prompt_eval_duration: 3_946_000 },
  ...{ eval_count: 9, eval_duration: 3_133_000 },
};
const message = (content) => ({ role: 'assistant', content });
const streamed = [
  ...pieces.map((content) => ({ ...head, message: message(content), done: false })),
  { ...head, message: message(''), ...counts },
];
const bodies = {
  '/api/version': { version: '0.34.0' },
  '/api/tags': { models: [{ name: `${model}:latest`, size: 753_333, digest: 'stub' }] },
  '/api/ps': { models: [{ name: `${model}:latest`, size: 7_780_432, digest: 'stub', size_vram: 0 }] },
  '/api/show': {
    details: { family: 'llama' },
    model_info: { 'general.architecture': 'llama', 'llama.context_length': 4096 },
    capabilities: ['completion'],
  },
};
const answers = {
  stream: Buffer.from(streamed.map((line) => `${JSON.stringify(line)}\n`).join('')),
  whole: Buffer.from(JSON.stringify({ ...head, message: message(pieces.join('')), ...counts })),
};

const server = createServer((request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  request.on('end', () => {
    const fixed = bodies[request.url];
    if (fixed !== undefined) return send(response, 'application/json', JSON.stringify(fixed));
    const isWhole = text.includes('"stream":false') || text.includes('"messages":[]');
    return isWhole
      ? send(response, 'application/json', answers.whole)
      : send(response, 'application/x-ndjson', answers.stream);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`127.0.0.1:${server.address().port}`));

function send(response, type, body) {
  response.writeHead(200, { 'content-type': type });
  response.end(body);
}
