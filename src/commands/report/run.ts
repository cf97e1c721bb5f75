import { stat } from 'node:fs/promises';
import { UsageError, messageOf } from '../../core/errors.ts';
import { quoteForShell } from '../../text/format.ts';
import { parseResultLine } from '../../core/result-line.ts';
import { type Manifest, sessionSeconds } from '../../journal/manifest/manifest.ts';
import { type FoundRun, findManifest } from '../../journal/manifest/find-manifest.ts';
import { readBestResults } from '../../journal/read-best-results.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { type ReportFormat, reportFormats } from '../../report/index.ts';
import { type RunFacts, foldReport } from '../../report/report-data.ts';
import { type RetryFacts, retryFactsOf } from '../../report/failures/retry-steps.ts';
import { stateOf } from '../shared/runs/find-run.ts';
import { columnsOfStdout, printJson, printText, tell } from '../shared/print.ts';

export interface ReportFlags {
  format: ReportFormat;
  json: boolean;
}

/** Runs `llmbatch report`. */
export async function reportRun(output: string, { format, json }: ReportFlags): Promise<void> {
  if ((await stat(output).catch(() => null))?.isDirectory() === true)
    throw new UsageError(`${output} is a folder`, `Of a bench: llmbatch bench --report ${quoteForShell(output)}`);
  const paths = pathsOf(output);
  const found = await findManifest(paths).catch((error: unknown) => {
    tell(`the report is made of the output alone: ${messageOf(error)}`);
    return null;
  });
  const fold = foldReport();
  let results = 0;
  for await (const bytes of readBestResults([paths.output])) {
    const line = parseResultLine(bytes.toString('utf8'));
    if (line === null) continue;
    results++;
    fold.add(line);
  }
  if (results === 0) throw new UsageError(`${output} contains no results`);
  const report = fold.finish(await factsOf(found, paths.output), retryOf(found?.manifest ?? null, paths.output));
  if (json) await printJson(reportFormats.json(report));
  else await printText(await reportFormats[format](report, columnsOfStdout()));
}

const retryOf = (manifest: Manifest | null, output: string): RetryFacts | null =>
  manifest?.state === 'finished' ? retryFactsOf(manifest, output) : null;

/** Facts of a run without a manifest, such as a merged file or one of another tool. */
const factsWithoutManifest = {
  inputPath: null,
  state: 'unknown',
  backend: 'unknown',
  backendVersion: null,
  model: null,
  mode: null,
  startedAt: null,
  endedAt: null,
  total: null,
  elapsedSeconds: null,
  pausedSeconds: 0,
  sessions: null,
  snapshot: null,
};

async function factsOf(found: FoundRun | null, outputPath: string): Promise<RunFacts> {
  if (found === null) return { outputPath, ...factsWithoutManifest };
  const { manifest } = found;
  const listed = (key: 'backend' | 'model' | 'version'): string | null =>
    [...new Set(manifest.models.map((entry) => entry[key]))].join(', ') || null;
  const { earlierSeconds, pausedSeconds } = sessionSeconds(manifest);
  return {
    ...factsWithoutManifest,
    outputPath,
    inputPath: manifest.input.path,
    state: await stateOf(found),
    backend: listed('backend') ?? 'unknown',
    backendVersion: listed('version'),
    model: listed('model'),
    mode: manifest.mode?.name ?? null,
    startedAt: manifest.createdAt,
    endedAt: manifest.finishedAt,
    total: manifest.summary?.progress.total ?? null,
    elapsedSeconds: earlierSeconds - pausedSeconds || null,
    pausedSeconds,
    sessions: manifest.sessions,
    snapshot: manifest.summary,
  };
}
