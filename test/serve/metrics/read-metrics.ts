/** A sample of a metric: its labels as JSON, and its number. */
interface ReadSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ReadFamily {
  name: string;
  type: string;
  help: string;
  samples: ReadSample[];
}

const sampleForm = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\+Inf|-Inf|NaN|-?[0-9.]+(?:e[+-]?[0-9]+)?)$/;
const labelForm = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,(?=.)|$)/y;
const unescaped: Record<string, string> = { n: '\n' };

/** Reads the text format of Prometheus 0.0.4 strictly: HELP, TYPE, then the samples of each family, and nothing else. */
export function readMetrics(text: string): ReadFamily[] {
  if (!text.endsWith('\n')) throw new Error('the text does not end with a line end');
  const families: ReadFamily[] = [];
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const [, comment, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const last = families.at(-1);
    if (comment === 'HELP') {
      if (families.some((family) => family.name === name)) throw new Error(`${name} is there twice`);
      families.push({ name, help: rest, type: '', samples: [] });
    } else if (comment === 'TYPE') {
      if (last?.name !== name || last.type !== '') throw new Error(`TYPE out of place: ${line}`);
      if (!['counter', 'gauge', 'histogram'].includes(rest)) throw new Error(`no type: ${line}`);
      last.type = rest;
    } else {
      if (last === undefined || last.type === '') throw new Error(`a sample without its type: ${line}`);
      const sample = readSample(line);
      const suffixes = last.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!suffixes.some((suffix) => sample.name === last.name + suffix)) throw new Error(`out of place: ${line}`);
      const key = `${sample.name} ${JSON.stringify(sample.labels)}`;
      if (seen.has(key)) throw new Error(`twice: ${line}`);
      seen.add(key);
      last.samples.push(sample);
    }
  }
  return families;
}

function readSample(line: string): ReadSample {
  const [, name, labelText = '', value] = sampleForm.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  labelForm.lastIndex = 0;
  while (labelForm.lastIndex < labelText.length) {
    const [, label, content = ''] = labelForm.exec(labelText) ?? [];
    if (label === undefined || Object.hasOwn(labels, label)) throw new Error(`wrong labels: ${line}`);
    labels[label] = content.replaceAll(/\\(.)/g, (_all, letter: string) => unescaped[letter] ?? letter);
  }
  return { name, labels, value: value.endsWith('Inf') ? Number(value.replace('Inf', 'Infinity')) : Number(value) };
}

/** The numbers of one metric by its one label, or under '' where it has none. */
export function valuesOf(text: string, name: string): Record<string, number> {
  const samples = readMetrics(text).flatMap((family) => family.samples.filter((sample) => sample.name === name));
  return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}
