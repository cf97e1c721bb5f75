// A stub of an OpenAI-compatible server, in a process of its own, so that it can be killed, stopped and started anew: it answers
// each candidate rightly (see ../candidate.mjs), so many at once, each in so many milliseconds; the others wait in its queue.
//   node scripts/campaigns/stub-server.mjs --port 8001 --ms 20 --slots 8 [--kind vllm|llamacpp|plain] [--model tiny-scorer]
// `POST /stub` with {"ms", "model", "status"} changes it: a status (503, 401) is all that it answers with from then on; null
// ends that. A prompt with "poison" kills the process.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { score } from '../candidate.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    ms: { type: 'string' },
    slots: { type: 'string' },
    kind: { type: 'string', default: 'vllm' },
    model: { type: 'string', default: 'tiny-scorer' },
  },
});
const state = { ms: Number(values.ms), model: values.model, status: null, running: 0 };
const slots = Number(values.slots);
const waiting = [];

const pages = {
  '/health': () => ({ status: 'ok' }),
  '/v1/models': () => ({ data: [{ id: state.model, object: 'model', owned_by: values.kind, max_model_len: 4096 }] }),
  ...(values.kind === 'vllm' && { '/version': () => ({ version: '0.32.0' }), '/metrics': metrics }),
  ...(values.kind === 'llamacpp' && {
    '/props': () => ({ total_slots: slots, build_info: 'stub', default_generation_settings: { n_ctx: 4096 } }),
    '/slots': () => Array.from({ length: slots }, (_, id) => ({ id, is_processing: id < state.running })),
  }),
};

// A connection that is closed for being idle just when a request comes would be a trouble of its own.
createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  let text = '';
  request.setEncoding('utf8').on('data', (piece) => (text += piece));
  request.on('end', () => answer(request, response, text));
}).listen(Number(values.port), '127.0.0.1', () => console.log('ready'));

function answer(request, response, text) {
  if (request.url === '/stub') {
    Object.assign(state, JSON.parse(text));
    return send(response, 200, state);
  }
  if (state.status !== null) return send(response, state.status, errorOf('no', 'none'));
  if (request.method === 'GET') {
    const page = pages[request.url]?.();
    return page === undefined ? send(response, 404, errorOf('no such page', 'none')) : send(response, 200, page);
  }
  if (text.includes('poison')) process.kill(process.pid, 'SIGKILL');
  const body = JSON.parse(text);
  // llama-server takes any name for the model that it has.
  if (values.kind !== 'llamacpp' && body.model !== state.model)
    return send(response, 404, errorOf(`The model ${body.model} does not exist.`, 'model_not_found'));
  const task = { response, body, isGone: false };
  response.on('close', () => (task.isGone = true));
  waiting.push(task);
  work();
}

function work() {
  while (state.running < slots && waiting.length > 0) {
    const task = waiting.shift();
    if (task.isGone) continue;
    state.running++;
    setTimeout(() => {
      state.running--;
      if (!task.isGone) complete(task);
      work();
    }, state.ms);
  }
}

function complete({ response, body }) {
  const [system, user] = body.messages.map(({ content }) => content);
  const rubric = system.replace(/^.*: /, '').split(', ');
  const named = rubric.concat('node sql python aws react docker rust kafka java linux golang redis'.split(' '));
  const words = new Set(user.split(/[ ,]+/));
  const years = Number(/(\d+) years/.exec(user)[1]);
  const content = JSON.stringify(
    score(
      rubric,
      [...new Set(named)].filter((skill) => words.has(skill)),
      years,
    ),
  );
  const usage = { prompt_tokens: 40, completion_tokens: 12, total_tokens: 52 };
  const choice = { index: 0, finish_reason: 'stop' };
  const head = { id: 'x', created: 1, model: state.model };
  if (body.stream !== true) {
    const message = { role: 'assistant', content };
    return send(response, 200, { ...head, object: 'chat.completion', choices: [{ ...choice, message }], usage });
  }
  const chunk = { ...head, object: 'chat.completion.chunk' };
  const events = [
    { ...chunk, choices: [{ ...choice, finish_reason: null, delta: { role: 'assistant', content } }] },
    { ...chunk, choices: [{ ...choice, delta: {} }] },
    { ...chunk, choices: [], usage },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end([...events.map((event) => JSON.stringify(event)), '[DONE]'].map((data) => `data: ${data}\n\n`).join(''));
}

function metrics() {
  const lines = { num_requests_running: state.running, num_requests_waiting: waiting.length, kv_cache_usage_perc: 0.1 };
  return Object.entries(lines)
    .map(([name, value]) => `vllm:${name}{model_name="m"} ${value}\n`)
    .join('');
}

const errorOf = (message, code) => ({ error: { message, code, type: 'stub' } });

function send(response, status, body) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text);
}
