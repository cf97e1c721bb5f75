import { open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { ApiError } from '../http/api-error.ts';
import type { ApiRequest, Route } from '../http/route.ts';
import { sendJson } from '../http/send.ts';
import type { FileRecord } from '../store/file-record.ts';
import type { FileStore } from '../store/store.ts';
import { pageOf } from './paging.ts';
import { type Upload, readUpload } from './read-upload.ts';

/** OpenAI's bounds: a page has at most 10,000 files, and as many where no limit is given. */
const pageLimits = { max: 10_000, usual: 10_000 };
/** OpenAI's bounds for `expires_after[seconds]`: an hour and 30 days. */
const minLifeSeconds = 3600;
const maxLifeSeconds = 2_592_000;
/** What is read from the disk at once for a download. */
const readBytes = 262_144;

/** OpenAI's files: upload, list, look at, download, delete. `maxFileBytes` is the limit of one upload, in bytes. */
export function fileRoutes({ files, maxFileBytes }: { files: FileStore; maxFileBytes: number }): Route[] {
  const find = ({ params }: ApiRequest): FileRecord => {
    const record = files.find(params['id'] ?? '');
    if (record === null) throw noFile(params['id']);
    return record;
  };
  return [
    {
      method: 'POST',
      path: '/v1/files',
      async handle(request, response) {
        const upload = await readUpload(request, files, { maxFileBytes, checkField });
        sendJson(response, 200, fileToWire(await keepUpload(upload)));
      },
    },
    {
      method: 'GET',
      path: '/v1/files',
      handle: async ({ query }, response) => sendJson(response, 200, listFiles(files.list(), query)),
    },
    {
      method: 'GET',
      path: '/v1/files/:id',
      handle: async (request, response) => sendJson(response, 200, fileToWire(find(request))),
    },
    {
      method: 'DELETE',
      path: '/v1/files/:id',
      async handle({ params: { id = '' } }, response) {
        if (!(await files.remove(id))) throw noFile(id);
        sendJson(response, 200, { id, object: 'file', deleted: true });
      },
    },
    {
      method: 'GET',
      path: '/v1/files/:id/content',
      handle: async (request, response) => sendFile(files, find(request), request, response),
    },
    {
      method: 'POST',
      path: '/v1/uploads',
      async handle() {
        throw new ApiError(404, 'uploads in parts are not supported: POST /v1/files accepts a file of any size', {
          code: 'unknown_url',
        });
      },
    },
  ];
}

const noFile = (id = ''): ApiError => new ApiError(404, `there is no file ${JSON.stringify(id)}`, { param: 'id' });

/** A file in OpenAI's words. `status` is deprecated there, and still what its clients wait for. */
function fileToWire(record: FileRecord): Record<string, unknown> & { id: string } {
  return {
    id: record.id,
    object: 'file',
    bytes: record.bytes,
    created_at: record.createdAt,
    expires_at: record.expiresAt,
    filename: record.filename,
    purpose: record.purpose,
    status: 'processed',
    status_details: null,
  };
}

function listFiles(newest: readonly FileRecord[], query: URLSearchParams): unknown {
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw new ApiError(400, 'order must be asc or desc', { param: 'order' });
  const purpose = query.get('purpose');
  const chosen = newest.filter((record) => purpose === null || record.purpose === purpose);
  const page = pageOf(order === 'asc' ? chosen.toReversed() : chosen, query, pageLimits);
  return { ...page, data: page.data.map(fileToWire) };
}

/** Refuses a field as soon as it is there: of a form with its fields before the file, the file is then not read. */
function checkField(name: string, value: string): void {
  if (name === 'purpose') {
    if (value !== 'batch')
      throw new ApiError(400, `purpose must be batch, not ${JSON.stringify(value)}`, { param: name });
    return;
  }
  const setting = lifeField(name);
  if (setting === null) throw new ApiError(400, `there is no field ${JSON.stringify(name)}`, { param: name });
  if (setting === 'anchor' && value !== 'created_at')
    throw new ApiError(400, `${name} must be created_at`, { param: name });
  if (setting === 'seconds' && !isLife(value)) {
    throw new ApiError(400, `${name} must be a whole number from ${minLifeSeconds} to ${maxLifeSeconds}`, {
      param: name,
    });
  }
}

/** The clients write `expires_after[seconds]`, Azure's `expires_after.seconds`. */
function lifeField(name: string): 'anchor' | 'seconds' | null {
  const field = /^expires_after(?:\[(\w+)\]|\.(\w+))$/.exec(name);
  const setting = field?.[1] ?? field?.[2];
  return setting === 'anchor' || setting === 'seconds' ? setting : null;
}

const isLife = (text: string): boolean =>
  /^\d{1,9}$/.test(text) && Number(text) >= minLifeSeconds && Number(text) <= maxLifeSeconds;

async function keepUpload({ draft, filename, fields }: Upload): Promise<FileRecord> {
  try {
    if (!fields.has('purpose')) throw new ApiError(400, 'the form has no field purpose', { param: 'purpose' });
    const life = [...fields].find(([name]) => lifeField(name) === 'seconds')?.[1];
    const now = Math.floor(Date.now() / 1000);
    return await draft.keep({ filename, purpose: 'batch', expiresAt: life === undefined ? null : now + Number(life) });
  } catch (error) {
    await draft.discard();
    throw error;
  }
}

async function sendFile(
  files: FileStore,
  { id, filename }: FileRecord,
  { message }: ApiRequest,
  response: ServerResponse,
): Promise<void> {
  const handle = await open(files.pathOf(id));
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Length': (await handle.stat()).size,
    'Content-Disposition': dispositionOf(filename),
  };
  response.writeHead(200, headers);
  if (message.method === 'HEAD') {
    await handle.close();
    response.end();
    return;
  }
  await pipeline(handle.createReadStream({ highWaterMark: readBytes }), response);
}

/** A client's name for a file, as RFC 6266 has it: for old programs in ASCII, for all others in UTF-8, with nothing that ends the header. */
function dispositionOf(filename: string): string {
  const plain = filename.replaceAll(/[^\w .()-]/g, '_');
  const encoded = encodeURIComponent(filename.replaceAll(/\p{Cs}/gu, '_')).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
