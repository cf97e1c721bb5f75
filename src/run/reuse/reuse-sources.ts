import { UsageError } from '../../core/errors.ts';
import type { AnswerSettings } from '../../core/settings.ts';
import type { ResultLine } from '../../core/result-line.ts';
import { exists } from '../../files/exists.ts';
import { realPathOf } from '../../files/real-path.ts';
import { findDrift } from '../../journal/manifest/find-drift.ts';
import { findManifest } from '../../journal/manifest/find-manifest.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { pathsOf } from '../../journal/manifest/run-paths.ts';
import { pathWord } from '../../text/command-line.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import type { Run } from '../run.ts';
import { type FoundAnswers, openEarlierAnswers } from './earlier-answers.ts';

/** The outputs from which a run takes answers over. */
export interface ReuseSources {
  find: (requestHash: string) => Promise<ResultLine | null>;
  /** Tells what is not sent of the requests of one model. */
  tell: (taken: Taken) => void;
  close: () => Promise<void>;
}

/** What is not sent of the requests of one model. */
interface Taken {
  requests: number;
  /** Those that an earlier output answers. */
  reused: number;
  /** Those that are the same as another one of the input. */
  copies: number;
  /** Is the model known by its weights, and not by its name alone? */
  isModelKnown: boolean;
}

/**
 * Opens the outputs of `--reuse`; with `--dedupe` also the run's own one, whose answers of earlier sessions have copies.
 * Tells of each what can't be taken from it. Throws a `UsageError` for one that is not there, but for a run that goes on.
 */
export async function openReuseSources({
  request,
  origin,
  notify,
}: Pick<Run, 'request' | 'notify'> & { origin: Pick<Run['origin'], 'isNew' | 'isAdopted'> }): Promise<ReuseSources> {
  const { reuse, dedupe } = request.runner;
  const { output } = request.paths;
  if (reuse.some((path) => realPathOf(path) === output)) throw ownOutput(output);
  const note = (text: string): void => notify({ topic: 'reuse', text });
  const paths: string[] = [];
  for (const path of reuse) {
    if (origin.isNew || (await exists(path))) paths.push(path);
    else note(`${pathWord(path)} is gone: nothing more is reused from it`);
  }
  const isContinued = dedupe && (!origin.isNew || origin.isAdopted);
  const answers = await openEarlierAnswers(isContinued ? [...paths, output] : paths);
  const earlier = await Promise.all(answers.found.filter(({ path }) => path !== output).map(withManifest));
  for (const source of earlier) describeSource(source).forEach(note);
  return {
    find: answers.find,
    close: answers.close,
    tell({ requests, reused, copies, isModelKnown }) {
      const of = `of ${formatCounted(requests, 'request')}`;
      const from = earlier.length === 0 ? 'an earlier session of this run' : namesOf(earlier);
      const sent = requests - reused - copies;
      if (reused > 0) note(`${formatInteger(reused)} ${of} not sent: answered in ${from}`);
      if (sent > 0 && origin.isNew) whySent(earlier, { reused, sent, settings: request.settings }).forEach(note);
      if (reused > 0 && !isModelKnown)
        note('the server does not report its weights: models with the same name were treated as the same');
      if (copies > 0) note(`${formatInteger(copies)} ${of} not sent: each is the same as another one`);
    },
  };
}

const ownOutput = (output: string): UsageError =>
  new UsageError(
    `--reuse names the output of this run itself, ${pathWord(output)}`,
    'What it has answered is not sent again anyway: leave --reuse out. For a new run beside it, choose another output with -o.',
  );

interface EarlierOutput extends FoundAnswers {
  /** Null where it has none, or none that can be read. */
  manifest: Manifest | null;
}

async function withManifest(found: FoundAnswers): Promise<EarlierOutput> {
  const run = await findManifest(pathsOf(found.path)).catch(() => null);
  return { ...found, manifest: run?.manifest ?? null };
}

const namesOf = (outputs: readonly EarlierOutput[]): string => outputs.map(({ path }) => pathWord(path)).join(', ');

function describeSource({ path, manifest, answers, unknown, damaged }: EarlierOutput): string[] {
  const name = pathWord(path);
  const isUnfinished = manifest !== null && manifest.state !== 'finished';
  return [
    ...(isUnfinished
      ? [`${name} is of a run that is not finished: what it has by now is reused (${formatCounted(answers, 'answer')})`]
      : []),
    ...(unknown === 0
      ? []
      : [
          `${formatCounted(unknown, 'answer')} of ${name} can't be reused: without a request_hash it is not known what they answer`,
        ]),
    ...(damaged === 0 ? [] : [`${formatCounted(damaged, 'line')} of ${name} skipped: damaged, or not results`]),
  ];
}

interface Sent {
  reused: number;
  sent: number;
  settings: AnswerSettings;
}

/** Says why requests are sent though there are earlier answers, where the manifests of their runs tell. */
function whySent(outputs: readonly EarlierOutput[], { reused, sent, settings }: Sent): string[] {
  if (outputs.length === 0) return [];
  const start = reused === 0 ? 'nothing is reused' : `${formatCounted(sent, 'request')} sent`;
  if (outputs.every(({ answers }) => answers === 0)) return [`${start}: ${namesOf(outputs)} has no answer`];
  const differences = outputs.flatMap((output) => differencesOf(output, settings));
  if (differences.length > 0) return [`${start}: ${differences.join(', and ')}`];
  const same = `no request is the same as one in ${namesOf(outputs)}, with the same settings and the same weights of the model`;
  return reused === 0 ? [`${start}: ${same}`] : [];
}

/** How the settings of an earlier run differ: at its end from those that are asked for, and on its way there. */
function differencesOf({ path, manifest }: EarlierOutput, settings: AnswerSettings): string[] {
  if (manifest === null) return [];
  const now = findDrift(manifest.settings, settings);
  const onTheWay = manifest.drift.filter((change) => change.startsWith('--'));
  return [
    ...(now.length === 0 ? [] : [`${pathWord(path)} was made with other settings (${now.join('; ')})`]),
    ...(onTheWay.length === 0
      ? []
      : [`the settings of ${pathWord(path)} were changed on its way (${onTheWay.join('; ')})`]),
  ];
}
