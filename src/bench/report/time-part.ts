import { formatBytes, formatRate } from '../../text/format.ts';
import type { Chart, LineChart } from '../../report/charts/chart.ts';
import type { PagePart } from '../../report/page.ts';
import type { TrialAnalysis } from '../analysis/analysis.ts';
import type { TrialRecord, Window } from '../records/records.ts';
import { groupSettings, groupTrials } from '../analysis/trial-groups.ts';
import type { BenchReport } from './bench-report.ts';
import { answersOf, secondsOf, windowRate } from '../statistics/mean.ts';
import { quotedRate } from './quoted-rate.ts';
import { nameSettings, nameTrials } from './trial-names.ts';

const gibibyte = 1024 ** 3;

/** Rate over time, a small chart for each setting, all of one engine on one scale. */
export function ratePart({ analysis: { trials } }: BenchReport): PagePart {
  const nameOf = nameSettings(trials.map(({ record }) => record));
  const isSmall = groupSettings(trials).length > 2;
  const charts = groupTrials(trials, ['backend', 'model']).flatMap((engine) => {
    const max = Math.max(...engine.flatMap((trial) => ratePoints(trial).map(({ y }) => y)), 0);
    return groupSettings(engine)
      .filter((group) => group.some((trial) => ratePoints(trial).length > 1))
      .map((group) => rateChart(group, { max, isSmall, title: nameOf(group[0]!.record) }));
  });
  return {
    title: 'Rate over time',
    isWide: true,
    notes: [
      'One chart for each setting, with one line for each trial. If there is only one trial, its steady part is shaded: the rate comes from there. All settings of an engine have the same scale.',
    ],
    charts,
  };
}

/** Answers that a point of a curve must have in the mean: with fewer it would show the single answers. */
const minAnswers = 5;

/** The rate along a trial, each point of the same width; at the ends, where a window is cut, few answers would be a high rate. */
function ratePoints({ windows }: TrialAnalysis): { x: number; y: number }[] {
  const whole = windows.length > 3 ? windows.slice(1, -1) : windows;
  const count = Math.max(1, Math.floor(Math.min(whole.length, answersOf(whole) / minAnswers)));
  return Array.from({ length: count }, (_, at) => {
    const [from, to] = [at, at + 1].map((edge) => Math.floor((edge * whole.length) / count));
    const part = whole.slice(from, to);
    return { x: (part.at(-1)?.atSeconds ?? 0) - secondsOf(part) / 2, y: windowRate(part) };
  }).filter(({ y }) => Number.isFinite(y));
}

interface RateChart {
  title: string;
  /** Top of the scale. */
  max: number;
  isSmall: boolean;
}

function rateChart(group: TrialAnalysis[], { title, max, isSmall }: RateChart): Chart {
  return {
    kind: 'lines',
    isSmall,
    title,
    x: { title: 'seconds', scale: 'linear' },
    y: { title: 'req/s', max },
    series: group.map((trial) => ({
      name: `#${trial.record.spec.number}`,
      points: ratePoints(trial),
    })),
    ...bandOf(group),
    caption: captionOf(group),
  };
}

function captionOf(group: TrialAnalysis[]): string {
  const rates = group.map(({ steady }) => quotedRate(steady)[0]).join(', ');
  return `${rates} req/s; first 20: ${group.map(({ record }) => formatRate(record.first20Rate)).join(', ')}`;
}

/** The steady part of a single trial: those of several would lie over each other. */
function bandOf([trial, ...others]: TrialAnalysis[]): Pick<LineChart, 'bands'> {
  if (trial === undefined || others.length > 0 || !trial.steady.isSteady) return {};
  const { windows } = trial;
  const [first, last] = [windows[trial.steady.from], windows[trial.steady.to - 1]];
  if (first === undefined || last === undefined) return {};
  return { bands: [{ from: first.atSeconds - first.seconds / 2, to: last.atSeconds - last.seconds / 2 }] };
}

/** GPU memory and memory of the engine over the whole bench. */
export function memoryPart({ analysis: { trials } }: BenchReport): PagePart | null {
  const records = trials.map(({ record }) => record);
  const charts = [
    memoryChart('VRAM over time', trials, ({ gpu }) => gpu?.usedBytes ?? null),
    memoryChart('Memory of the engine over time', trials, ({ engine }) => engine?.memoryBytes ?? null),
  ].filter((chart) => chart !== null);
  if (charts.length === 0) return null;
  const names = nameTrials(records);
  const hasVram = records.some(({ vramBytes }) => vramBytes.after !== null);
  return {
    title: 'Memory',
    isWide: true,
    charts,
    header: ['trial', 'VRAM before the load', 'model loaded', 'after the trial', 'peak'],
    rows: hasVram ? records.map((record) => [names.get(record.spec.number) ?? '', ...vramCells(record)]) : [],
  };
}

const vramCells = ({ vramBytes: { before, loaded, after }, summary }: TrialRecord): string[] =>
  [before, loaded, after, summary.machine.gpuPeakBytes].map(formatBytes);

type ReadBytes = (window: Window) => number | null;

function memoryChart(title: string, trials: readonly TrialAnalysis[], read: ReadBytes): Chart | null {
  const windows = trials.flatMap((trial) => trial.windows);
  if (windows.every((window) => read(window) === null)) return null;
  const startMs = Math.min(...trials.map(({ record }) => Date.parse(record.startedAt)));
  const total = Math.max(0, ...windows.map(({ gpu }) => gpu?.totalBytes ?? 0)) / gibibyte;
  const isVram = title.startsWith('VRAM');
  return {
    kind: 'lines',
    title,
    x: { title: 'minutes from the first trial', scale: 'linear' },
    y: { title: 'GiB in use' },
    series: groupTrials(trials, ['backend', 'model']).map((group) => ({
      name: `${group[0]!.record.spec.backend} ${group[0]!.record.spec.model}`,
      points: group.flatMap((trial) => memoryPoints(trial, { startMs, read })),
    })),
    ...(isVram && total > 0 ? { horizontals: [{ at: total, name: `total ${total.toFixed(1)} GiB` }] } : {}),
  };
}

/** Memory along a trial, with a gap after it. */
function memoryPoints({ record, windows }: TrialAnalysis, { startMs, read }: { startMs: number; read: ReadBytes }) {
  const offset = (Date.parse(record.startedAt) - startMs) / 1000;
  // There are more windows than samples of a process.
  const points = windows.flatMap((window) => {
    const bytes = read(window);
    return bytes === null ? [] : [{ x: (offset + window.atSeconds) / 60, y: bytes / gibibyte }];
  });
  return [...points, { x: (offset + record.seconds) / 60, y: null }];
}
