import { once } from 'node:events';
import { readFile, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import OpenAI, { toFile } from 'openai';
import { describe, expect, test } from 'vitest';
import type { Notice } from '../../../src/core/events.ts';
import { fileRoutes } from '../../../src/serve/routes/files.ts';
import { openFileStore } from '../../../src/serve/store/file-store.ts';
import type { FileStore } from '../../../src/serve/store/store.ts';
import { canMount, mountTmpfs } from '../../helpers/mount-tmpfs.ts';
import { scratchFolder } from '../../helpers/scratch-folder.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { type OpenServer, connectRaw, openServer } from '../http/open-server.ts';

interface FilesServer extends OpenServer {
  folder: string;
  store: FileStore;
  /** OpenAI's own client of this server. */
  client: OpenAI;
}

async function openFiles(maxFileBytes = 1_000_000, folder?: string): Promise<FilesServer> {
  const where = folder ?? (await scratchFolder());
  const notices: Notice[] = [];
  const store = await openFileStore(where, (notice) => notices.push(notice));
  const server = await openServer(fileRoutes({ files: store, maxFileBytes }));
  const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'any', maxRetries: 0 });
  return { ...server, folder: where, store, client };
}

type FormPart = [name: string, value: string, filename?: string];

/** The body of a form, made by hand. */
function formOf(parts: FormPart[], end = '--B--\r\n'): string {
  const texts = parts.map(([name, value, filename]) => {
    const file = filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/octet-stream`;
    return `--B\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
  });
  return `${texts.join('')}${end}`;
}

const post = (url: string, body: string | Uint8Array, type = 'multipart/form-data; boundary=B'): Promise<Response> =>
  fetch(`${url}/v1/files`, { method: 'POST', body, headers: { 'Content-Type': type } });

const purpose: FormPart = ['purpose', 'batch'];
const file: FormPart = ['file', 'line\n', 'a.jsonl'];

describe("OpenAI's client", () => {
  test('uploads, looks at, lists, downloads and deletes a file', async () => {
    const { client, store } = await openFiles();
    const before = Math.floor(Date.now() / 1000);
    const made = await client.files.create({
      file: await toFile(Buffer.from('{"a":1}\n'), 'in put.jsonl'),
      purpose: 'batch',
      expires_after: { anchor: 'created_at', seconds: 3600 },
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^file-[\da-f]{24}$/),
      object: 'file',
      bytes: 8,
      created_at: made.created_at,
      expires_at: made.created_at + 3600,
      filename: 'in put.jsonl',
      purpose: 'batch',
      status: 'processed',
      status_details: null,
    });
    expect(made.created_at).toBeGreaterThanOrEqual(before);
    expect(await readFile(store.pathOf(made.id), 'utf8')).toBe('{"a":1}\n');
    expect(await client.files.retrieve(made.id)).toEqual(made);
    expect((await client.files.list()).data).toEqual([made]);
    expect(await client.files.waitForProcessing(made.id)).toEqual(made);

    const content = await client.files.content(made.id);
    expect(Object.fromEntries(content.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': '8',
      'content-disposition': `attachment; filename="in put.jsonl"; filename*=UTF-8''in%20put.jsonl`,
    });
    expect(await content.text()).toBe('{"a":1}\n');

    expect(await client.files.delete(made.id)).toEqual({ id: made.id, object: 'file', deleted: true });
    await expect(client.files.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.files.delete(made.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.files.content(made.id)).rejects.toMatchObject({ status: 404 });
  });

  test('streams a file before its purpose, and without its length', async () => {
    const { client, store } = await openFiles();
    const blocks = ['{"a":1}\n', 'x'.repeat(200_000), '\n'];
    async function* source(): AsyncGenerator<Uint8Array> {
      for (const block of blocks) yield Buffer.from(block);
    }
    const made = await client.files.create({ file: await toFile(source(), 'b.jsonl'), purpose: 'batch' });
    expect(await readFile(store.pathOf(made.id), 'utf8')).toBe(blocks.join(''));
    expect(made.expires_at).toBeNull();
  });

  test('pages through the files, from both ends', async () => {
    const { client } = await openFiles();
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      ids.push((await client.files.create({ file: await toFile(Buffer.from('x'), `${n}`), purpose: 'batch' })).id);
    }
    const all = async (options: OpenAI.FileListParams): Promise<string[]> => {
      const found: string[] = [];
      for await (const { id } of client.files.list(options)) found.push(id);
      return found;
    };
    expect(await all({ limit: 2 })).toEqual(ids.toReversed());
    expect(await all({ limit: 5, order: 'asc' })).toEqual(ids);
    expect(await all({ purpose: 'batch_output' })).toEqual([]);
    expect(await all({ purpose: 'batch', after: ids[3] ?? '' })).toEqual(ids.slice(0, 3).toReversed());
  });

  test('is told that there are no uploads in parts', async () => {
    const { client } = await openFiles();
    const made = client.uploads.create({ bytes: 1, filename: 'a', mime_type: 'text/plain', purpose: 'batch' });
    await expect(made).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('POST /v1/files accepts'),
    });
  });
});

test.each([
  ['limit=0', 'limit'],
  ['limit=10001', 'limit'],
  ['limit=x', 'limit'],
  ['order=up', 'order'],
  ['after=file-none', 'after'],
])('a list with %s is refused', async (query, param) => {
  const { url } = await openFiles();
  const response = await fetch(`${url}/v1/files?${query}`);
  expect([response.status, await response.json()]).toMatchObject([400, { error: { param } }]);
});

describe('a form', () => {
  test.each([
    ['with its fields behind the file', [file, purpose]],
    ['with its fields before the file', [purpose, file]],
    ['with a file that has no name', [purpose, ['file', 'line\n']]],
    ['with an empty name', [purpose, ['file', 'line\n', '']]],
    [
      "with Azure's name of the life",
      [purpose, ['expires_after.seconds', '3600'], ['expires_after.anchor', 'created_at'], file],
    ],
  ] satisfies [string, FormPart[]][])('is taken: %s', async (_, parts) => {
    const { url, store } = await openFiles();
    const response = await post(url, formOf(parts));
    expect(response.status).toBe(200);
    const [record] = store.list();
    expect(await readFile(store.pathOf(record?.id ?? ''), 'utf8')).toBe('line\n');
    expect(record?.filename).toBe(parts.some(([, , name]) => name === 'a.jsonl') ? 'a.jsonl' : 'unknown_file');
    expect(record?.expiresAt === null).toBe(parts.length === 2);
  });

  test.each([
    ['another purpose', formOf([file, ['purpose', 'vision']]), 'purpose must be batch, not "vision"'],
    ['no purpose', formOf([file]), 'the form has no field purpose'],
    ['no file', formOf([purpose]), 'the form has no part named file'],
    ['two files', formOf([purpose, file, file]), 'an upload has one file'],
    ['a file of another name', formOf([purpose, ['data', 'x', 'x']]), '"data" is not a file of an upload'],
    ['an unknown field', formOf([purpose, ['user', 'x'], file]), 'there is no field "user"'],
    ['a short life', formOf([purpose, file, ['expires_after[seconds]', '3599']]), 'from 3600 to 2592000'],
    ['a long life', formOf([purpose, file, ['expires_after[seconds]', '2592001']]), 'from 3600 to 2592000'],
    ['another anchor', formOf([purpose, file, ['expires_after[anchor]', 'used_at']]), 'must be created_at'],
    ['a long field', formOf([file, ['purpose', 'b'.repeat(1001)]]), 'the field purpose is too long'],
    ['a long name', formOf([purpose, ['file', 'x', 'n'.repeat(256)]]), 'longer than 255 bytes'],
    ['many fields', formOf(Array.from({ length: 21 }, () => purpose)), 'more than 20 parts'],
    ['many parts without a name', '--B\r\n\r\n\r\n'.repeat(21) + formOf([purpose, file]), 'more than 20 parts'],
    ['no end', formOf([purpose, file], ''), "the form can't be read: Unexpected end of multipart data"],
    ['nothing', '', "the form can't be read"],
  ])('is refused, and leaves nothing: %s', async (_, body, message) => {
    const { url, folder, notices } = await openFiles();
    const response = await post(url, body);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining(message), type: 'invalid_request_error' } },
    ]);
    expect([await readdir(folder), notices]).toEqual([[], []]);
  });

  test('that ends anywhere too early is refused, and leaves nothing', async () => {
    const { url, folder } = await openFiles();
    const form = formOf([purpose, file, ['expires_after[seconds]', '3600']]);
    // Without its last line end it is whole.
    for (let length = 0; length < form.length - 2; length += 1) {
      expect([length, (await post(url, form.slice(0, length))).status]).toEqual([length, 400]);
    }
    expect(await readdir(folder)).toEqual([]);
  });

  test.each([
    ['JSON', 'application/json', 'an upload is a form of the type multipart/form-data'],
    ['a form without a boundary', 'multipart/form-data', 'Boundary not found'],
  ])('is refused where it is %s', async (_, type, message) => {
    const { url } = await openFiles();
    const response = await post(url, '{}', type);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { message: expect.stringContaining(message) } },
    ]);
  });

  test('may have a file of the limit, and no larger one, which is refused before it is read where it tells its length', async () => {
    const { url, port, store, folder } = await openFiles(100_000);
    expect((await post(url, formOf([purpose, ['file', 'x'.repeat(100_000), 'a']]))).status).toBe(200);
    const response = await post(url, formOf([['file', 'x'.repeat(100_001), 'a'], purpose]));
    expect([response.status, await response.json()]).toMatchObject([
      413,
      {
        error: {
          message: 'the file is larger than 100000 bytes, the limit that --max-file-bytes sets',
          code: 'file_too_large',
        },
      },
    ]);
    expect([store.list().length, (await readdir(folder)).length]).toEqual([1, 2]);
    const head = 'Content-Type: multipart/form-data; boundary=B\r\nExpect: 100-continue\r\nContent-Length: 200000';
    const raw = await connectRaw(port, `POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
    expect(await raw.until('}}')).toMatch(/^HTTP\/1.1 413/);
  });

  test('gives its file a name that is only shown', async () => {
    const { url, store, client, folder } = await openFiles();
    for (const name of ['../../etc/passwd', String.raw`..\..\x`, 'é"\r\nX: y', '%2e%2e%2fx', '..']) {
      await post(url, formOf([purpose, ['file', 'x', name.replace('"', String.raw`\"`).replace('\r\n', '%0D%0A')]]));
    }
    expect(store.list().map(({ filename }) => filename)).toEqual([
      'unknown_file',
      '%2e%2e%2fx',
      'é"%0D%0AX: y',
      'x',
      'passwd',
    ]);
    expect((await readdir(folder)).every((name) => /^file-[\da-f]{24}\.(bin|json)$/.test(name))).toBe(true);
    const content = await client.files.content(store.list()[2]?.id ?? '');
    expect(content.headers.get('content-disposition')).toBe(
      `attachment; filename="___0D_0AX_ y"; filename*=UTF-8''%C3%A9%22%250D%250AX%3A%20y`,
    );
  });

  test('that comes in single bytes is read all the same', async () => {
    const { port, store } = await openFiles();
    const body = formOf([file, purpose]);
    const head = `Content-Type: multipart/form-data; boundary=B\r\nContent-Length: ${body.length}`;
    const raw = await connectRaw(port, `POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
    raw.socket.setNoDelay(true);
    for (const byte of body) {
      raw.send(byte);
      await new Promise(setImmediate);
    }
    await raw.until('"processed"');
    expect(store.list()).toMatchObject([{ bytes: 5, filename: 'a.jsonl' }]);
  });

  test('that breaks off leaves nothing', async () => {
    const { port, folder, notices } = await openFiles();
    const head = 'Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 900000';
    const raw = await connectRaw(port, `POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
    raw.send(formOf([purpose, ['file', 'x'.repeat(200_000), 'a']], ''));
    await waitUntil(async () => (await readdir(folder)).length === 1);
    raw.socket.destroy();
    await waitUntil(async () => (await readdir(folder)).length === 0);
    expect(notices).toEqual([]);
  });

  test('whose chunks are broken leaves nothing', async () => {
    const { port, folder } = await openFiles();
    const head = 'Content-Type: multipart/form-data; boundary=B\r\nTransfer-Encoding: chunked';
    const raw = await connectRaw(port, `POST /v1/files HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
    const part = formOf([purpose, ['file', 'x'.repeat(1000), 'a']], '');
    raw.send(`${part.length.toString(16)}\r\n${part}\r\n`);
    await waitUntil(async () => (await readdir(folder)).length === 1);
    raw.send('junk\r\n');
    expect(await raw.closed()).toContain('HTTP/1.1 400 Bad Request');
    await waitUntil(async () => (await readdir(folder)).length === 0);
  });
});

test('an id is no path', async () => {
  const { url } = await openFiles();
  for (const id of ['..%2F..%2Fetc%2Fpasswd', '%00', '__proto__', 'constructor', '.']) {
    for (const path of [id, `${id}/content`]) {
      const response = await fetch(`${url}/v1/files/${path.replace(/^\.(?!\.)/, '%2e%2e%2f')}`);
      expect([path, response.status]).toEqual([path, 404]);
    }
  }
});

test('50 uploads at once are all kept, each with its own bytes', async () => {
  const { client, store } = await openFiles();
  const texts = Array.from({ length: 50 }, (_, n) => `${n}\n`.repeat(20_000));
  const made = await Promise.all(
    texts.map(async (text, n) =>
      client.files.create({ file: await toFile(Buffer.from(text), `${n}`), purpose: 'batch' }),
    ),
  );
  expect(store.list()).toHaveLength(50);
  for (const { id, filename } of made) {
    expect(await (await client.files.content(id)).text()).toBe(texts[Number(filename)]);
  }
});

test('HEAD tells how large a file is', async () => {
  const { url, client } = await openFiles();
  const { id } = await client.files.create({ file: await toFile(Buffer.from('12345'), 'a'), purpose: 'batch' });
  const response = await fetch(`${url}/v1/files/${id}/content`, { method: 'HEAD' });
  expect([response.status, response.headers.get('content-length')]).toEqual([200, '5']);
});

describe('a full disk', () => {
  test.runIf(canMount())('is 507, and leaves room for the next (needs root: a small tmpfs)', async () => {
    const folder = join(await scratchFolder(), 'disk');
    mountTmpfs(folder, 'size=256k');
    const { url, store, notices } = await openFiles(10_000_000, folder);
    const response = await post(url, formOf([purpose, ['file', 'x'.repeat(5_000_000), 'a']]));
    expect([response.status, await response.json()]).toMatchObject([507, { error: { code: 'insufficient_storage' } }]);
    expect(await readdir(folder)).toEqual([]);
    expect(notices).toHaveLength(1);
    expect((await post(url, formOf([purpose, file]))).status).toBe(200);
    expect(store.list()).toHaveLength(1);
  });
});

test.runIf(process.platform === 'linux')('a download that the client leaves closes its file', async () => {
  const { port, client } = await openFiles(50_000_000);
  const { id } = await client.files.create({ file: await toFile(Buffer.alloc(20_000_000), 'a'), purpose: 'batch' });
  const raw = await connectRaw(port, `GET /v1/files/${id}/content HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(raw.socket, 'data');
  raw.socket.destroy();
  const openPaths = async (): Promise<string[]> =>
    Promise.all((await readdir('/proc/self/fd')).map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')));
  await waitUntil(async () => !(await openPaths()).some((path) => path.includes(id)));
});
