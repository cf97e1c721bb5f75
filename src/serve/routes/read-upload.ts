import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createDeferred } from '../../async/deferred.ts';
import { messageOf } from '../../core/errors.ts';
import { ApiError } from '../http/api-error.ts';
import type { ApiRequest } from '../http/route.ts';
import type { FileDraft, FileStore } from '../store/store.ts';

/** A form that came in whole: its file is written, and is to be kept or discarded. */
export interface Upload {
  draft: FileDraft;
  filename: string;
  fields: ReadonlyMap<string, string>;
}

export interface UploadRules {
  maxFileBytes: number;
  /** Throws an `ApiError` for a field that makes the rest of the form vain. */
  checkField: (name: string, value: string) => void;
}

/** A form has OpenAI's three fields and its file; those that have no name are counted too. */
const maxParts = 20;
/** The three fields are shorter than 100 bytes together. */
const maxFieldBytes = 1000;
/** Boundaries, headers and fields of a form. */
const maxFormBytes = 65_536;
/** No file system has longer names. */
const maxNameBytes = 255;

/**
 * Reads a form that has one part named `file`, and streams that part to the disk; the fields may stand before or behind it.
 * Throws an `ApiError` for any other form, 413 for a file that is too large, and the disk's error where it is full. Nothing stays
 * on disk then, nor where the client breaks off.
 */
export async function readUpload(
  request: ApiRequest,
  files: Pick<FileStore, 'begin'>,
  rules: UploadRules,
): Promise<Upload> {
  const { headers } = request.message;
  if (Number(headers['content-length'] ?? 0) > rules.maxFileBytes + maxFormBytes) throw tooLarge(rules);
  const form = openForm(headers['content-type'], rules);
  const body = request.body();
  const failure = createDeferred<never>();
  body.on('error', failure.reject);
  const parts = watchParts(form, { files, rules, fail: failure.reject });
  try {
    const ended = new Promise<void>((resolve) => form.once('finish', resolve));
    body.pipe(form);
    await Promise.race([ended, failure.promise]);
    return await Promise.race([parts.whole(), failure.promise]);
  } catch (error) {
    body.unpipe(form);
    await parts.discard();
    throw error;
  }
}

function openForm(contentType: string | undefined, { maxFileBytes }: UploadRules): BusboyInstance {
  if (!/^multipart\/form-data\b/i.test(contentType ?? '')) {
    throw new ApiError(400, 'an upload is a form of the type multipart/form-data, with the fields file and purpose');
  }
  try {
    return new Busboy({
      headers: { 'content-type': contentType ?? '' },
      isPartAFile: (name, _, filename) => name === 'file' || filename !== undefined,
      limits: {
        fileSize: maxFileBytes,
        files: 1,
        parts: maxParts,
        fieldSize: maxFieldBytes,
        headerSize: maxFormBytes,
      },
    });
  } catch (error) {
    throw malformed(error);
  }
}

/** What came of a form so far. */
interface Parts {
  /** The upload, once the form has ended and its file is written. Throws an `ApiError` where a part is missing. */
  whole: () => Promise<Upload>;
  discard: () => Promise<void>;
}

interface PartsOptions {
  files: Pick<FileStore, 'begin'>;
  rules: UploadRules;
  fail: (error: unknown) => void;
}

function watchParts(form: BusboyInstance, { files, rules, fail }: PartsOptions): Parts {
  const fields = new Map<string, string>();
  let file: { part: Readable; filename: string; draft: Promise<FileDraft>; written: Promise<void> } | null = null;

  form.on('file', (name: string, part: BusboyFileStream, filename: string | undefined) => {
    if (name !== 'file') fail(new ApiError(400, `${JSON.stringify(name)} is not a file of an upload`, { param: name }));
    const draft = files.begin();
    const written = draft.then(({ stream }) => pipeline(part, stream));
    written.catch(fail);
    // The parser tells a form without an end here too, when nobody reads the part any more.
    part.on('error', fail);
    part.once('limit', () => fail(tooLarge(rules)));
    file = { part, filename: filename || 'unknown_file', draft, written };
  });
  form.on('field', (name, value, _, isTruncated) => {
    try {
      if (isTruncated) throw new ApiError(400, `the field ${name} is too long`, { param: name });
      rules.checkField(name, value);
      fields.set(name, value);
    } catch (error) {
      fail(error);
    }
  });
  form.on('filesLimit', () =>
    fail(new ApiError(400, 'an upload has one file, and this form has more', { param: 'file' })),
  );
  form.on('partsLimit', () => fail(new ApiError(400, `the form has more than ${maxParts} parts`)));
  form.on('error', (error) => fail(malformed(error)));

  return {
    async whole() {
      if (file === null) throw new ApiError(400, 'the form has no part named file', { param: 'file' });
      if (Buffer.byteLength(file.filename) > maxNameBytes) {
        throw new ApiError(400, `the name of the file is longer than ${maxNameBytes} bytes`, { param: 'file' });
      }
      await file.written;
      return { draft: await file.draft, filename: file.filename, fields };
    },
    async discard() {
      file?.part.destroy();
      const draft = await file?.draft.catch(() => null);
      await draft?.discard();
    },
  };
}

const malformed = (error: unknown): ApiError => new ApiError(400, `the form can't be read: ${messageOf(error)}`);

const tooLarge = ({ maxFileBytes }: UploadRules): ApiError =>
  new ApiError(413, `the file is larger than ${maxFileBytes} bytes, the limit that --max-file-bytes sets`, {
    code: 'file_too_large',
    param: 'file',
  });
