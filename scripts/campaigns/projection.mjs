// How well do trials of the smallest size of a bench tell the time of its largest? Of each setting of engine and workers: the time
// that the steady rate of the small trials promises for the large ones (mean of the repeats), and that the first 20 answers
// of the small ones promise, each over the time that the large ones took.
//   node scripts/campaigns/projection.mjs bench-results/FOLDER
import { execFileSync } from 'node:child_process';
import { bin } from './sessions.mjs';

const [folder] = process.argv.slice(2);
const maxBuffer = 2 ** 28;
const { trials } = JSON.parse(
  execFileSync(process.execPath, [bin, 'bench', '--report', folder, '--json'], { maxBuffer }),
);
const settings = new Map();
for (const trial of trials) settings.set(settingOf(trial), [...(settings.get(settingOf(trial)) ?? []), trial]);
const sizes = trials.map(({ record }) => record.spec.size);
const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
for (const [setting, all] of settings) {
  const small = all.filter(({ record }) => record.spec.size === least);
  const seconds = mean(all.filter(({ record }) => record.spec.size === most).map(({ record }) => record.seconds));
  const steady = mean(small.map((trial) => trial.steady.rate).filter((rate) => rate !== null));
  const quick = mean(small.map(({ record }) => record.first_20_rate));
  console.log(
    JSON.stringify({
      setting,
      trials: small.length,
      seconds: round(seconds, 1),
      promised: round(most / steady, 1),
      error: round(most / steady / seconds - 1, 3),
      first_20_error: round(most / quick / seconds - 1, 3),
    }),
  );
}

function settingOf({ record: { spec } }) {
  return `${spec.backend}, ${spec.workers} workers`;
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
