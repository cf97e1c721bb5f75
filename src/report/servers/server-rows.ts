import type { Snapshot } from '../../core/snapshot.ts';
import type { ServerNumbers } from '../../core/snapshot/server-numbers.ts';
import {
  formatCounted,
  formatDuration,
  formatInteger,
  formatPercent,
  formatRate,
  formatTokenRate,
  notMeasured,
} from '../../text/format.ts';
import { printable } from '../../text/printable.ts';
import type { ServerReport } from './fold-servers.ts';

export const serverHeader = ['', 'answered', 'failed', 'req/s', 'tok/s', 'p50', 'away', 'idle'];

/** Rows of a table of servers, under `serverHeader`, where `failed` are attempts. */
export const serverTable = (servers: readonly ServerReport[] | null): string[][] =>
  (servers ?? []).map(({ name, lastSession, ...server }) => [
    name ?? '(not named)',
    formatInteger(server.answered),
    formatInteger(lastSession?.failedAttempts ?? null),
    formatRate(server.requestRate),
    formatRate(server.generationRate),
    formatDuration(server.latencyMs?.p50 ?? null),
    secondsText(lastSession?.awaySeconds),
    secondsText(lastSession?.idleSeconds),
  ]);

function secondsText(seconds: number | undefined): string {
  if (seconds === undefined) return notMeasured;
  return seconds === 0 ? '0 s' : formatDuration(seconds * 1000);
}

/** Longest idle time in seconds that is no matter, and is not told in a line. */
const minIdleSeconds = 1;

/** A line for each server of a run that has several, of what it answered: `desktop:8000: 1,204 (75.2%), 12.3 req/s, p50 640 ms`. */
export function serverLines({ servers, progress }: Snapshot, { isRunning }: { isRunning: boolean }): string[] {
  if (servers === null) return [];
  const lines = servers.map((server) => lineOf(server, isRunning));
  const answered = servers.reduce((sum, server) => sum + server.answered, 0);
  return answered < progress.succeeded ? [...lines, 'these numbers are of this session only'] : lines;
}

const lineOf = (server: ServerNumbers, isRunning: boolean): string =>
  `${printable(server.name)}: ${[
    ...workTexts(server, isRunning),
    stateText(server, isRunning),
    ...lostTexts(server, isRunning),
  ]
    .filter(Boolean)
    .join(', ')}`;

const maxReasonCharacters = 120;

function stateText({ state, givesWay, stateSeconds, reason }: ServerNumbers, isRunning: boolean): string {
  if (state === 'up') return givesWay === true && isRunning ? 'gives way to others' : '';
  if (state === 'starting' && !isRunning) return 'never took part';
  const since = isRunning ? `${state} for ${secondsText(stateSeconds)}` : `${state} at the end`;
  return reason === null ? since : `${since} (${printable(reason, maxReasonCharacters)})`;
}

const flightWords = ({ state, inFlight }: ServerNumbers): string =>
  state === 'up' || inFlight > 0 ? `${formatInteger(inFlight)} in flight` : '';

function workTexts(server: ServerNumbers, isRunning: boolean): string[] {
  const { answered, share, rates, latencyMs } = server;
  const span = isRunning && rates.requests.recent !== null ? 'recent' : 'overall';
  const { requests, generation } = rates;
  const tokens = generation[span];
  return [
    `${formatInteger(answered)}${share === null ? '' : ` (${formatPercent(share)})`}`,
    isRunning ? flightWords(server) : '',
    requests[span] === null ? '' : `${formatRate(requests[span])} req/s`,
    tokens === null || generation.basis === null ? '' : `${formatTokenRate(tokens)} tok/s`,
    latencyMs === null ? '' : `p50 ${formatDuration(latencyMs.p50)}`,
  ];
}

/** What was lost there. The time of an outage that goes on is told with the state. */
function lostTexts({ state, failedAttempts, outages, awaySeconds, idleSeconds }: ServerNumbers, isRunning: boolean) {
  const isTold = awaySeconds === 0 || (isRunning && state !== 'up' && outages <= 1);
  const times = outages > 1 ? ` in ${formatInteger(outages)} outages` : '';
  return [
    failedAttempts === 0 ? '' : formatCounted(failedAttempts, 'failed attempt'),
    isTold ? '' : `away ${secondsText(awaySeconds)}${times}`,
    idleSeconds < minIdleSeconds ? '' : `idle ${secondsText(idleSeconds)}`,
  ];
}
