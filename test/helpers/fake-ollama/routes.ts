import { createAnswerWriter, said } from './answer-writer.ts';
import { embedAll, readInput } from './embed.ts';
import { type Exchange, send, sendJson } from './exchange.ts';
import type { AnswerFault } from './faults.ts';
import { type GenerateSettings, generate } from './generate.ts';
import { isObject, textIn } from './json.ts';
import { type FakeModel, fullName, listLoaded, listModel, showModel } from './models.ts';
import { preparePrompt, renderChat } from './prompt.ts';
import { readBody } from './read-body.ts';
import { refusalIn, refuse } from './refusal.ts';
import {
  type AnswerRoute,
  type GenerateRequest,
  checkOptions,
  checkSchedulable,
  readGenerateRequest,
  readKeepAlive,
  readLoadOptions,
  readModelName,
} from './request.ts';
import type { Scheduler } from './scheduler.ts';

interface RouteSettings extends GenerateSettings {
  version: string;
  contextLength: number;
  reportsCached: boolean;
  slots: number;
  vram: number;
}

export type Route = (exchange: Exchange, fault: AnswerFault | null) => void | Promise<void>;

interface Place {
  settings: RouteSettings;
  models: Map<string, FakeModel>;
  scheduler: Scheduler;
}

/** By path and method. HEAD is allowed where it is listed. */
export function createRoutes(place: Place): Record<string, Record<string, Route>> {
  const { settings, models } = place;
  const json =
    (value: () => unknown): Route =>
    ({ response }) =>
      sendJson(response, 200, value());
  const text: Route = ({ response }) =>
    send(response, 200, { type: 'text/plain; charset=utf-8', text: 'Ollama is running' });
  const version = json(() => ({ version: settings.version }));
  const tags = json(() => ({ models: [...models.values()].map(listModel) }));
  return {
    '/': { HEAD: text, GET: text },
    '/api/version': { HEAD: version, GET: version },
    '/api/tags': { HEAD: tags, GET: tags },
    '/api/ps': { GET: json(() => ({ models: listRunning(place) })) },
    '/api/show': { POST: (exchange) => show(place, exchange) },
    '/api/chat': { POST: (exchange, fault) => answer(place, 'chat', [exchange, fault]) },
    '/api/generate': { POST: (exchange, fault) => answer(place, 'generate', [exchange, fault]) },
    '/api/embed': { POST: (exchange) => embed(place, exchange) },
    '/api/delete': { DELETE: (exchange) => remove(place, exchange) },
  };
}

function listRunning({ models, scheduler, settings }: Place): unknown[] {
  return scheduler.loadedModels().flatMap((loaded) => {
    const model = models.get(loaded.runner.model);
    return model === undefined ? [] : [listLoaded(model, loaded, settings)];
  });
}

function find({ models }: Place, name: string, missing: string): FakeModel {
  const model = models.get(fullName(name));
  if (model === undefined) throw refuse(404, missing);
  return model;
}

function show(place: Place, { request, response }: Exchange): void {
  const body = readBody(request.text, 'ShowRequest');
  const name = readModelName(body);
  const model = find(place, name, `model '${fullName(name)}' not found`);
  sendJson(response, 200, showModel(model, body['verbose'] === true));
}

function remove(place: Place, { request, response }: Exchange): void {
  const name = readModelName(readBody(request.text, 'DeleteRequest'));
  find(place, name, `model '${name}' not found`);
  place.models.delete(fullName(name));
  place.scheduler.unload(fullName(name));
  response.writeHead(200, { 'Content-Length': 0 }).end();
}

async function embed(place: Place, { request, response, gone }: Exchange): Promise<void> {
  const begin = process.hrtime.bigint();
  const body = readBody(request.text, 'EmbedRequest');
  const name = textIn(body['model']);
  if (name === '') throw refuse(404, "model '' not found");
  const texts = readInput(body);
  const model = find(place, name, `model ${JSON.stringify(name)} not found, try pulling it first`);
  const options = isObject(body['options']) ? body['options'] : {};
  checkOptions(options);
  const wanted = {
    keepAlive: readKeepAlive(body['keep_alive']),
    options: readLoadOptions(options, { shift: undefined, numCtx: place.settings.contextLength }),
  };
  const { runner, release } = await place.scheduler.acquire(fullName(name), wanted, gone);
  const loaded = process.hrtime.bigint();
  try {
    if (texts.length === 0) return sendJson(response, 200, { model: name, embeddings: [] });
    await runner.line.enter(gone);
    try {
      if (!model.capabilities.includes('embedding')) throw refuse(501, noEmbeddings);
      const { embeddings, tokens } = embedAll(texts, body);
      sendJson(response, 200, {
        model: name,
        embeddings,
        total_duration: Number(process.hrtime.bigint() - begin),
        load_duration: Number(loaded - begin),
        prompt_eval_count: tokens,
      });
    } finally {
      runner.line.leave();
    }
  } finally {
    release();
  }
}

const noEmbeddings = 'This server does not support embeddings. Start it with `--embeddings`';

async function answer(
  place: Place,
  route: AnswerRoute,
  [{ request, response, gone }, fault]: [Exchange, AnswerFault | null],
): Promise<void> {
  const { settings, scheduler } = place;
  const begin = process.hrtime.bigint();
  const body = readBody(request.text, route === 'chat' ? 'ChatRequest' : 'GenerateRequest');
  const name = readModelName(body);
  const model = find(place, name, `model '${name}' not found`);
  if (isUnload(route, body)) {
    scheduler.unload(fullName(name));
    sendJson(response, 200, { ...said({ route, model: name }, ''), done: true, done_reason: 'unload' });
    return;
  }
  const asked = readGenerateRequest(route, body, { model, numCtx: settings.contextLength });
  checkSchedulable(asked, body, model);
  const { runner, release } = await scheduler.acquire(fullName(name), asked.wanted, gone);
  const times = { begin, loaded: process.hrtime.bigint() };
  try {
    if (asked.empty) {
      sendJson(response, 200, { ...said(asked, ''), done: true, done_reason: 'load' });
      return;
    }
    if (body['_debug_render_only'] === true) return sendRendered(asked, place, response);
    const writer = createAnswerWriter(asked, response, { times, reportsCached: settings.reportsCached });
    const { tokenMs } = settings;
    try {
      await generate({ request: asked, runner, writer, fault, tokenMs, signal: gone }, settings);
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal === null) throw error;
      writer.refuse(refusal);
    }
  } finally {
    release();
  }
}

function isUnload(route: AnswerRoute, body: Record<string, unknown>): boolean {
  const { keep_alive: keepAlive, messages, prompt } = body;
  const hasText = route === 'chat' ? Array.isArray(messages) && messages.length > 0 : textIn(prompt) !== '';
  return !hasText && keepAlive !== undefined && keepAlive !== null && readKeepAlive(keepAlive) === 0;
}

function sendRendered(asked: GenerateRequest, { settings }: Place, response: Exchange['response']): void {
  const rendered = renderChat(preparePrompt(asked, settings).messages, settings.opensLastAnswer);
  const message = { role: '', content: '' };
  const { created_at: createdAt } = said(asked, '');
  sendJson(response, 200, {
    model: asked.model,
    created_at: createdAt,
    message,
    done: false,
    _debug_info: { rendered_template: rendered },
  });
}
