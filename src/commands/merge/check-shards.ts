import { basename } from 'node:path';
import { UsageError } from '../../core/errors.ts';
import { findDrift } from '../../journal/manifest/find-drift.ts';
import type { Manifest } from '../../journal/manifest/manifest.ts';
import { quoteForShell } from '../../text/format.ts';
import type { MergedOutput } from './outputs.ts';

/**
 * Refuses shards that are not parts of one whole: of other numbers of shards, of another input, of another model or with
 * other settings. With `allowDrift` only the first is refused. Returns the differences that were allowed, as sentences.
 */
export function checkShards(outputs: readonly MergedOutput[], allowDrift: boolean): string[] {
  const shards = outputs.filter(({ shard }) => shard !== null);
  const [first] = shards;
  const other = shards.find(({ shard }) => shard?.count !== first?.shard?.count);
  if (first !== undefined && other !== undefined) {
    throw new UsageError(
      `${first.path} is one of ${first.shard?.count} shards, and ${other.path} one of ${other.shard?.count}`,
      'Merge the shards of one number at a time.',
    );
  }
  const known = shards.flatMap(({ path, manifest }) => (manifest === null ? [] : [{ path, manifest }]));
  const [reference] = known;
  if (reference === undefined) return [];
  return known.flatMap((shard) => {
    const found = differencesOf(reference.manifest, shard.manifest);
    if (found.length > 0 && !allowDrift) throw refusalOf(reference, shard, found);
    return found.length === 0 ? [] : [`${reference.path} and ${shard.path} differ: ${found.join('; ')}`];
  });
}

interface KnownShard {
  path: string;
  manifest: Manifest;
}

function refusalOf(one: KnownShard, two: KnownShard, found: readonly string[]): UsageError {
  const [before, after] = [one, two].toSorted((left, right) => left.manifest.input.bytes - right.manifest.input.bytes);
  const isOtherInput = isOther(one.manifest.input, two.manifest.input);
  const hasGrown = isOtherInput && before!.manifest.input.path === after!.manifest.input.path;
  const goOn = `If the input has grown, the new lines are answered with: llmbatch resume ${quoteForShell(before!.path)}. `;
  return new UsageError(
    `${one.path} and ${two.path} are not shards of one run: ${found.join('; ')}`,
    `${hasGrown ? goOn : ''}To merge them anyway, add --allow-drift.`,
  );
}

/** How a shard differs from the first one, each as `--max-tokens default → 40`. */
function differencesOf(first: Manifest, shard: Manifest): string[] {
  const [before, now] = [first.settings, shard.settings];
  const choices = (['limit', 'sample'] as const).filter((name) => before[name] !== now[name]);
  return [
    ...(isOther(first.input, shard.input) ? [`input ${shortInput(first)} → ${shortInput(shard)}`] : []),
    ...findDrift(withoutEngine(before), withoutEngine(now)),
    ...choices.map((name) => `--${name} ${before[name] ?? 'none'} → ${now[name] ?? 'none'}`),
    ...modelDifferences(first, shard),
  ];
}

/** Which engine and which weights answered is compared by itself: a model may have another path on another machine. */
const withoutEngine = (settings: Manifest['settings']): Manifest['settings'] => ({
  ...settings,
  backend: '',
  model: null,
});

/** The bytes tell. Where standard input was not read to its end they are not known, and nor is the difference. */
const isOther = (one: Manifest['input'], two: Manifest['input']): boolean =>
  one.sha256 === '' || two.sha256 === '' ? one.path !== two.path : one.sha256 !== two.sha256;

const shortInput = ({ input }: Manifest): string =>
  `${basename(input.path)} (${input.sha256.slice(0, 12) || 'unread'})`;

/** Compares what answered; a shard may lack a model that only lines of the others name. */
function modelDifferences(first: Manifest, shard: Manifest): string[] {
  const [before, now] = [first.settings.model, shard.settings.model];
  const isNamed = before !== null && now !== null && basename(before) === basename(now);
  const isOtherModel = before !== now && !isNamed && !hasSameWeights(first, shard);
  const others = first.models.flatMap((model) => {
    const same = shard.models.find((found) => basename(found.model) === basename(model.model));
    if (same === undefined) return [];
    if (same.backend !== model.backend) return [`--backend ${model.backend} → ${same.backend}`];
    const isKnown = same.digest !== null && model.digest !== null;
    return isKnown && same.digest !== model.digest
      ? [`the weights of ${model.model} ${model.digest?.slice(0, 12)} → ${same.digest?.slice(0, 12)}`]
      : [];
  });
  return [...(isOtherModel ? [`--model ${before ?? 'none'} → ${now ?? 'none'}`] : []), ...others];
}

/** The same file may have two names. */
const hasSameWeights = ({ models: [one] }: Manifest, { models: [two] }: Manifest): boolean =>
  one?.digest !== undefined && one.digest !== null && one.digest === two?.digest;
