import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalError } from '../../core/errors.ts';
import type { BatchRequest } from '../../core/request.ts';
import type { HostedFormat } from './formats/format.ts';

/** A file that was written for a service. */
export interface HostedFile {
  name: string;
  model: string;
  endpoint: string;
  requests: number;
  bytes: number;
}

/** Writes the requests of an input to files, each within the limits of its service. */
export interface PartWriter {
  parts: HostedFile[];
  /** Takes a request as the service wants it. Throws a `RangeError` where it alone is longer than a file may be. */
  add: (request: BatchRequest, converted: object) => Promise<void>;
  close: () => Promise<void>;
}

interface OpenPart extends HostedFile {
  handle: FileHandle;
  waiting: string[];
  waitingBytes: number;
}

const blockBytes = 1024 * 1024;

/** Files are named `part-001`, in the order in which they are begun: one at a time for each model and endpoint that needs its own. */
export function createPartWriter(folder: string, format: HostedFormat): PartWriter {
  const { limits, frame, isOfOneModel } = format;
  const parts: OpenPart[] = [];
  const current = new Map<string, OpenPart>();
  const frameBytes = Buffer.byteLength(frame.before + frame.after);

  const partFor = async (request: BatchRequest, bytes: number): Promise<OpenPart> => {
    const key = isOfOneModel ? `${request.endpoint} ${request.body.model}` : '';
    const last = current.get(key);
    const isFull = last !== undefined && (last.requests >= limits.requests || last.bytes + bytes > limits.bytes);
    if (last !== undefined && !isFull) return last;
    if (last !== undefined) await endPart(last, format);
    const part = await beginPart(folder, format, { number: parts.length + 1, request });
    parts.push(part);
    current.set(key, part);
    return part;
  };

  return {
    parts,
    async add(request, converted) {
      const text = JSON.stringify(converted);
      const bytes = Buffer.byteLength(text) + frame.between.length;
      if (frameBytes + bytes > limits.bytes)
        throw new RangeError(`it has ${bytes} bytes, more than a whole batch may have`);
      const part = await partFor(request, bytes);
      part.waiting.push(part.requests === 0 ? text : frame.between + text);
      part.requests++;
      part.bytes += bytes;
      part.waitingBytes += bytes;
      if (part.waitingBytes >= blockBytes) await flush(part);
    },
    async close() {
      for (const part of current.values()) await endPart(part, format);
    },
  };
}

async function beginPart(
  folder: string,
  { ending, frame }: HostedFormat,
  { number, request }: { number: number; request: BatchRequest },
): Promise<OpenPart> {
  const name = `part-${String(number).padStart(3, '0')}${ending}`;
  const handle = await open(join(folder, name), 'wx', 0o600);
  const bytes = Buffer.byteLength(frame.before + frame.after);
  const { endpoint, body } = request;
  return { name, model: body.model, endpoint, requests: 0, bytes, handle, waiting: [frame.before], waitingBytes: 0 };
}

async function flush(part: OpenPart): Promise<void> {
  await part.handle.appendFile(part.waiting.join(''));
  part.waiting = [];
  part.waitingBytes = 0;
}

async function endPart(part: OpenPart, { frame }: HostedFormat): Promise<void> {
  part.waiting.push(frame.after);
  await flush(part);
  await part.handle.close();
}

/** The error for a file of a conversion that can't be written. */
export const cannotWrite = (folder: string, reason: string, cause: unknown): JournalError =>
  new JournalError(`can't write to ${folder}: ${reason}`, 'Choose another place with -o.', cause);
