import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { JournalError, LlmbatchError, UsageError, exitCodes, messageOf } from '../../core/errors.ts';
import { type BatchRequest, isRejected } from '../../core/request.ts';
import type { Shard } from '../../data/shard.ts';
import { exists } from '../../files/exists.ts';
import { readItems } from '../../input/read-items.ts';
import { outputPathFor, type RunPaths } from '../../journal/manifest/run-paths.ts';
import { type GivenFlag, pathWord } from '../../text/command-line.ts';
import { printable } from '../../text/printable.ts';
import { formatBytes, formatCounted } from '../../text/format.ts';
import { planGroups } from '../../input/plan-rows.ts';
import { type RunInput, readInput } from '../../run/read-input.ts';
import { answerSettings } from '../shared/build-request.ts';
import { endOnSignals } from '../shared/end-on-signals.ts';
import { printJsonObject, printText, tell } from '../shared/print.ts';
import type { RequestFlags } from '../shared/run-flags.ts';
import { withScratchPaths } from '../shared/scratch-paths.ts';
import { NotCarriedError, schemaOf } from './formats/carry-over.ts';
import type { HostedFormat } from './formats/format.ts';
import { type HostedName, hostedFormats } from './formats/hosted-formats.ts';
import { type Refusals, createRefusals } from './refusals.ts';
import { sentIdOf } from './sent-ids.ts';
import { type HostedFile, type PartWriter, cannotWrite, createPartWriter } from './write-parts.ts';

export interface ConvertFlags extends RequestFlags {
  to: HostedName;
  output?: string;
  sample?: number;
  shard?: Shard;
  failedOf?: string;
  json: boolean;
  given: readonly GivenFlag[];
}

/** `llmbatch convert`. Returns the exit code. */
export async function convertInput(path: string, flags: ConvertFlags): Promise<number> {
  const folder =
    flags.output ?? outputPathFor(path === '-' ? 'stdin' : path).replace(/\.results\.jsonl$/, `.${flags.to}`);
  if (await exists(folder))
    throw new JournalError(`${folder} already exists`, 'Choose another place with -o, or remove it.');
  // The folder has its name only when it is whole.
  const draft = `${folder}.incomplete-${process.pid}`;
  const removeDraft = (): Promise<void> => rm(draft, { recursive: true, force: true });
  try {
    return await withScratchPaths((scratch) =>
      endOnSignals(removeDraft, async () => {
        const result = await writeFolder(path, draft, { flags, scratch });
        await rename(draft, folder);
        await report(folder, result, flags);
        return result.refusals.count() > 0 ? exitCodes.someFailed : exitCodes.ok;
      }),
    );
  } catch (error) {
    await removeDraft();
    if (error instanceof LlmbatchError || !isOfFiles(error)) throw error;
    throw cannotWrite(dirname(folder), messageOf(error), error);
  }
}

const isOfFiles = (error: unknown): boolean => error instanceof Error && 'syscall' in error;

interface Converted {
  parts: HostedFile[];
  refusals: Refusals;
  renamed: number;
}

async function writeFolder(
  path: string,
  draft: string,
  { flags, scratch }: { flags: ConvertFlags; scratch: RunPaths },
): Promise<Converted> {
  const settings = { ...(await answerSettings(flags)), sample: flags.sample ?? null };
  const failedOf = flags.failedOf === undefined ? null : resolve(flags.failedOf);
  const request = { input: path, spool: null, paths: scratch, settings, shard: flags.shard ?? null, failedOf };
  const host = {
    stdin: process.stdin,
    stop: new AbortController().signal,
    notify: ({ text }: { text: string }) => tell(text),
  };
  const input = await readInput({ ...request, given: flags.given }, { host, previous: null });
  try {
    await input.completed;
    if (input.scan.counts.requests === 0)
      throw new UsageError(`${path} has no valid request`, 'See why with: llmbatch validate');
    await mkdir(draft, { mode: 0o700 });
    const map = await open(join(draft, 'map.jsonl'), 'wx', 0o600);
    const refusals = await createRefusals(join(draft, 'refused.jsonl'), flags.to);
    const parts = createPartWriter(draft, hostedFormats[flags.to]);
    await map.appendFile(`${JSON.stringify(mapHead(path, flags.to, input))}\n`);
    const renamed = await writeAll(input, { map, parts, refusals, format: hostedFormats[flags.to] });
    await Promise.all([parts.close(), map.close(), refusals.close()]);
    return {
      parts: parts.parts.map(({ name, model, endpoint, requests, bytes }) => ({
        name,
        model,
        endpoint,
        requests,
        bytes,
      })),
      refusals,
      renamed,
    };
  } finally {
    await input.close();
  }
}

/** The first line of a map: which input it is of. */
const mapHead = (path: string, to: HostedName, input: RunInput): object => ({
  convert: 1,
  to,
  input: path === '-' ? '-' : resolve(path),
  sha256: input.identity()?.sha256 ?? '',
});

interface Writers {
  map: FileHandle;
  parts: PartWriter;
  refusals: Refusals;
  format: HostedFormat;
}

/** Returns how many ids had to be changed. */
async function writeAll(input: RunInput, writers: Writers): Promise<number> {
  let renamed = 0;
  for (const { rows } of planGroups(input.scan)) {
    for await (const items of readItems(input.handle, input.scan, rows)) {
      const entries: string[] = [];
      for (const { read } of items) {
        if (isRejected(read)) await writers.refusals.addLine(read);
        else entries.push(...(await writeRequest(read, writers)));
        if (!isRejected(read)) renamed += Number(sentIdOf(read.id, writers.format.idPattern) !== read.id);
      }
      await writers.map.appendFile(entries.join(''));
    }
  }
  return renamed;
}

/** Returns the line of the map; none where the request is refused. */
async function writeRequest(request: BatchRequest, { parts, refusals, format }: Writers): Promise<string[]> {
  const { id, line, body, rowJson } = request;
  const sent = sentIdOf(id, format.idPattern);
  try {
    await parts.add(request, format.convert(request, sent));
  } catch (error) {
    if (!(error instanceof NotCarriedError || error instanceof RangeError)) throw error;
    await refusals.add(request, error.message);
    return [];
  }
  const isJson = schemaOf(body['response_format']) !== undefined;
  const entry = JSON.stringify({ sent, id, line, ...(isJson && { json: true }) });
  return [rowJson === undefined ? `${entry}\n` : `${entry.slice(0, -1)},"row":${rowJson}}\n`];
}

async function report(folder: string, { parts, refusals, renamed }: Converted, flags: ConvertFlags): Promise<void> {
  const { label, commands } = hostedFormats[flags.to];
  const wordOf = (name: string): string => pathWord(resolve(folder, name));
  const next = parts.map((part) => {
    const [number] = /\d+/.exec(part.name) ?? [];
    const files = { results: wordOf(`results-${number}.jsonl`), errors: wordOf(`errors-${number}.jsonl`) };
    return { ...part, commands: commands({ ...part, ...files, path: wordOf(part.name) }) };
  });
  if (flags.json) {
    const { count, reasons } = refusals;
    return void (await printJsonObject({
      output: folder,
      parts: next,
      refused: count(),
      reasons: reasons(),
      renamed_ids: renamed,
    }));
  }
  const output = pathWord(resolve(dirname(folder), `${basename(folder)}.results.jsonl`));
  const merge = `llmbatch merge ${pathWord(resolve(folder))}/*s-*.jsonl ${wordOf('refused.jsonl')} -o ${output}`;
  for (const text of refusals.texts()) tell(text);
  const made = parts.map(
    ({ name, requests, bytes, model }) =>
      `  ${name}  ${formatCounted(requests, 'request')}, ${formatBytes(bytes)}, ${printable(model)}`,
  );
  await printText(
    [
      `${label}: ${formatCounted(parts.length, 'file')} in ${folder}`,
      ...made,
      ...(renamed === 0
        ? []
        : [`  ${formatCounted(renamed, 'id')} changed to what ${label} takes: map.jsonl has both`]),
      ...(parts.length === 0 ? [] : ['Send them, fetch the results when a batch has ended, and merge them:']),
      ...next.flatMap((part) => part.commands.map((command) => `  ${command}`)),
      ...(parts.length === 0 ? [] : [`  ${merge}`]),
      '',
    ].join('\n'),
  );
}
