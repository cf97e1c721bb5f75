/**
 * An OpenAI-compatible server that ends as real ones do: `node server.mjs <port> <kind> <answerMs>`. At SIGTERM it closes its
 * port, and keeps the connections of what it was asked, which it will never answer (as llama-server does). A prompt with
 * "poison" kills it. It tells each request for an answer on stdout, one line each.
 */
import { createServer } from 'node:http';

const [port, kind, answerMs] = process.argv.slice(2);
const state = { isStopping: false, working: 0, startedAt: performance.now() };
const loadMs = 400;

const isLoading = () => kind === 'llamacpp' && performance.now() - state.startedAt < loadMs;

const pages = {
  '/v1/models': () => ({ data: [{ id: 'm', owned_by: kind }] }),
  '/health': () => ({ status: 'ok' }),
  '/props': () => ({ total_slots: 2, build_info: 'b1', default_generation_settings: { n_ctx: 4096 } }),
  '/slots': () => [0, 1].map((id) => ({ id, is_processing: id < state.working })),
};

const server = createServer((request, response) => {
  const send = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  if (request.method === 'GET') {
    const page = kind === 'llamacpp' || request.url === '/v1/models' ? pages[request.url] : undefined;
    if (page === undefined) return send(404, { error: { message: 'no such page' } });
    return isLoading() && request.url !== '/v1/models' ? send(503, { error: 'Loading model' }) : send(200, page());
  }
  let text = '';
  request.setEncoding('utf8').on('data', (piece) => (text += piece));
  request.on('end', () => {
    const prompt = JSON.parse(text).messages.at(-1).content;
    process.stdout.write(`${JSON.stringify(prompt)}\n`);
    if (prompt.includes('poison')) process.kill(process.pid, 'SIGKILL');
    if (isLoading()) return send(503, { error: { message: 'Loading model' } });
    state.working++;
    setTimeout(() => {
      if (state.isStopping) return;
      state.working--;
      const message = { role: 'assistant', content: `answer to ${prompt}` };
      const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
      send(200, {
        id: 'x',
        object: 'chat.completion',
        model: 'm',
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
      });
    }, Number(answerMs));
  });
});
server.listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => {
  state.isStopping = true;
  server.close();
  server.closeIdleConnections();
});
