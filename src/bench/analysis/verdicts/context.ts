import { formatDuration, formatInteger, formatPercent } from '../../../text/format.ts';
import { findTrend } from '../../statistics/trend.ts';
import type { Window } from '../../records/records.ts';
import { type FindVerdict, meanTime } from './evidence.ts';

const batches = 10;
/** Growth over the trial from which on it is told, as a share. */
const minGrowth = { prompt: 0.2, latency: 0.1 };

/** The prompts get longer within the trial, and the answers slower with them. */
export const findContext: FindVerdict = ({ windows }) => {
  const parts = batchesOf(windows);
  const prompts = parts.map(promptTokensOf);
  const latencies = parts.map((part) => meanTime(part, 'latencyMs'));
  const [promptGrowth, latencyGrowth] = [growthOf(prompts), growthOf(latencies)];
  if (promptGrowth < minGrowth.prompt || latencyGrowth < minGrowth.latency) return null;
  const [start, end] = [prompts[0] ?? null, prompts.at(-1) ?? null];
  return {
    cause: 'context',
    text: `The prompts grow: from ${formatInteger(start)} to ${formatInteger(end)} tokens a request within the trial, and latency with them from ${formatDuration(latencies[0] ?? null)} to ${formatDuration(latencies.at(-1) ?? null)} (${formatPercent(latencyGrowth)} more). Use --mode independent, or trim conversations earlier. If the file is sorted by length, this is expected.`,
  };
};

/** Stretches of as many answered requests each, so that an empty window is no stretch. */
function batchesOf(windows: readonly Window[]): Window[][] {
  const answered = windows.filter(({ requests, failures }) => requests > failures);
  if (answered.length < batches) return [];
  const edge = (at: number): number => Math.floor((at * answered.length) / batches);
  return Array.from({ length: batches }, (_, at) => answered.slice(edge(at), edge(at + 1)));
}

function promptTokensOf(windows: readonly Window[]): number | null {
  const requests = windows.reduce((sum, window) => sum + window.requests - window.failures, 0);
  const tokens = windows.reduce((sum, window) => sum + (answeredTokens(window) ?? NaN), 0);
  return Number.isNaN(tokens) ? null : tokens / requests;
}

const answeredTokens = ({ answeredPromptTokens: tokens, promptTokens }: Window): number | null =>
  tokens === undefined ? promptTokens : tokens;

/** 0 where it is not measured, or can't be told from noise. */
function growthOf(values: (number | null)[]): number {
  const known = values.filter((value) => value !== null);
  const trend = known.length < values.length ? null : findTrend(known);
  return trend !== null && trend.isClear ? trend.change : 0;
}
