import type { BackendDefinition } from '../../core/backend.ts';
import { formatCounted, formatInteger } from '../../text/format.ts';
import { printable } from '../../text/printable.ts';
import { isRejected } from '../../core/request.ts';
import { chooseMode } from '../../run/choose/choose-mode.ts';
import { planGroups } from '../../input/plan-rows.ts';
import { readItems } from '../../input/read-items.ts';
import { checkChatTemplate, checkOptions, chooseBackend } from '../../run/choose/choose-backend.ts';
import { namesOfSeveral } from '../../run/choose/server-names.ts';
import { describeBest, findBest } from '../../run/choose/saved-settings.ts';
import { type ReuseCount, countReuse } from '../../run/reuse/count-reuse.ts';
import { checkInput, keepFirstRejection, tellMisspeltKeys } from '../../run/check-input.ts';
import { type RunInput, groupsOf, readInput } from '../../run/read-input.ts';
import type { RunRequest } from '../../run/run-request.ts';
import type { RunPaths } from '../../journal/manifest/run-paths.ts';
import { withScratchPaths } from '../shared/scratch-paths.ts';
import { printJsonObject, printWrapped, tell } from '../shared/print.ts';
import { exitCodes } from '../../core/errors.ts';
import type { Notify } from '../../core/events.ts';
import { type Shard, shardFlag } from '../../data/shard.ts';

/** `run --dry-run`: what would be chosen and sent, without an engine and without touching the output. */
export async function dryRun(
  requests: readonly RunRequest[],
  { backends, json }: { backends: readonly BackendDefinition[]; json: boolean },
): Promise<number> {
  for (const request of requests) {
    const plan = await withScratchPaths((scratch) => planOf(request, scratch, backends));
    await (json ? printJsonObject(plan) : printWrapped(renderPlan(plan)));
  }
  return exitCodes.ok;
}

interface Plan {
  input: string;
  output: string;
  shard: Shard | null;
  lines: number;
  requests: number;
  rejected: number;
  backend: { name: string; reason: string };
  models: readonly string[];
  mode: { name: string; reason: string };
  /** Where there are several: they share the requests. */
  servers?: readonly string[];
  /** `--option`, as the engine gets them. */
  options: Readonly<Record<string, unknown>>;
  workers: number | 'auto';
  /** Why so many, or how the number will be chosen. */
  workers_reason: string;
  /** Only with `--reuse` or `--dedupe`: what they leave out; null where that is not known before the engine is open. */
  reuse?: ReuseCount | null;
  first_request: unknown;
}

const notify: Notify = ({ text }) => tell(text);

async function planOf(request: RunRequest, scratch: RunPaths, backends: readonly BackendDefinition[]): Promise<Plan> {
  const { settings } = request;
  const { onRejected, text: firstRejection } = keepFirstRejection();
  const host = { stdin: process.stdin, stop: new AbortController().signal, notify };
  const input = await readInput({ ...request, paths: scratch }, { host, previous: null, listeners: { onRejected } });
  try {
    checkInput({ request, input, notify, firstRejection });
    await tellMisspeltKeys({ request, input, notify });
    const { scan } = input;
    const places = { connections: request.runner.connections, environment: process.env };
    const { definition, reason } = await chooseBackend(backends, settings.backend, scan.models, places);
    checkChatTemplate(definition, settings);
    await checkOptions(definition, settings.options);
    const mode = chooseMode(settings.mode, groupsOf(input));
    const reuse = await countReuse({ request, input, definition, notify });
    const servers = namesOfSeveral(definition, request.runner.connections);
    return {
      input: request.input,
      output: request.paths.output,
      shard: request.shard ?? null,
      ...scan.counts,
      backend: { name: definition.name, reason },
      models: scan.models,
      mode: { name: mode.name, reason: mode.reason },
      ...(servers.length > 0 && { servers }),
      options: settings.options,
      workers: request.runner.workers ?? 'auto',
      workers_reason: await workersReason(request, definition, { models: scan.models, mode: mode.name }),
      ...(reuse !== null && { reuse: reuse === 'unknown' ? null : reuse }),
      first_request: await firstRequest(input),
    };
  } finally {
    await input.close();
  }
}

async function workersReason(
  { runner, settings: { options } }: RunRequest,
  { name: backend }: BackendDefinition,
  { models, mode }: { models: readonly string[]; mode: string },
): Promise<string> {
  if (runner.workers !== null) return 'as asked';
  const [model, ...others] = models;
  if (model !== undefined && others.length === 0 && mode !== 'conversation') {
    const best = await findBest({ backend, model, options }, process.env);
    if (best !== null) return describeBest(best);
  }
  return 'the engine says how many when it is open; llmbatch bench finds the best number';
}

async function firstRequest(input: RunInput): Promise<unknown> {
  const group = planGroups(input.scan).find(({ model }) => model !== null);
  if (group === undefined) return null;
  for await (const items of readItems(input.handle, input.scan, group.rows.slice(0, 1))) {
    const [first] = items;
    if (first === undefined || isRejected(first.read)) continue;
    const { rowJson: _rowJson, bytes: _bytes, ...sent } = first.read;
    return sent;
  }
  return null;
}

function renderPlan(plan: Plan): string {
  const options = Object.entries(plan.options)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
  return [
    `input    ${printable(plan.input)}: ${formatCounted(plan.requests, 'request')}, ${formatCounted(plan.rejected, 'rejected line')}`,
    ...(plan.shard === null ? [] : [`shard    ${shardFlag(plan.shard)}`]),
    `output   ${printable(plan.output)}`,
    `backend  ${plan.backend.name} (${printable(plan.backend.reason)})`,
    `model    ${printable(plan.models.join(', ')) || 'none'}`,
    ...(options === '' ? [] : [`options  ${printable(options)}`]),
    `mode     ${plan.mode.name} (${plan.mode.reason})`,
    ...(plan.servers === undefined ? [] : [`servers  ${printable(plan.servers.join(', '))}`]),
    `workers  ${plan.workers}${plan.servers === undefined ? '' : ', for each server'} (${plan.workers_reason})`,
    ...(plan.reuse === undefined ? [] : [`reuse    ${reuseText(plan.requests, plan.reuse)}`]),
    'first request, as it would be sent:',
    JSON.stringify(plan.first_request, null, 2),
    'Nothing was sent.',
    '',
  ].join('\n');
}

function reuseText(requests: number, reuse: ReuseCount | null): string {
  if (reuse === null) return 'known only when the engine is open, which tells the weights of the model';
  const { reused, copies } = reuse;
  const copied = copies === 0 ? '' : `, ${formatInteger(copies)} the same as another one`;
  return `${formatInteger(reused)} of ${formatCounted(requests, 'request')} answered before${copied}: ${formatInteger(requests - reused - copies)} would be sent`;
}
