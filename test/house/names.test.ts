import { describe, expect, test } from 'vitest';
import { pending } from './pending.ts';
import { readSource, readSources, type Source } from './read-sources.ts';

const sources = readSources();

/** Every folder of backends/ but the three that all engines use. */
const engines = [...new Set(sources.flatMap(({ path }) => /^backends\/([^/]+)\//.exec(path)?.[1] ?? []))].filter(
  (name) => !['http', 'request', 'subprocess'].includes(name),
);

describe('an exported name', () => {
  const repeated = findRepeatedNames(sources);

  test('is defined in one file', () => {
    expect(repeated.filter(({ name }) => !pending.repeatedNames.includes(name))).toEqual([]);
  });

  test('that still may be defined in two is', () => {
    const names = repeated.map(({ name }) => name);
    expect(pending.repeatedNames.filter((name) => !names.includes(name))).toEqual([]);
  });

  test('may be the same in two engines or two formats, and nowhere else', () => {
    const planted = [
      readSource('backends/ollama/a.ts', 'export function readBody() {} export type Same = 1;'),
      readSource('backends/openai/a.ts', 'export function readBody() {}'),
      readSource('backends/http/a.ts', 'export const Same = 1, other = 2;'),
      readSource('bench/records/trials-wire.ts', 'export const toWire = 1, fromWire = 1;'),
      readSource('journal/manifest/wire.ts', 'export const toWire = 1;'),
      readSource('report/a.ts', "export class other {} export { readBody } from './b.ts';"),
    ];
    expect(findRepeatedNames(planted)).toEqual([
      { name: 'Same', paths: ['backends/ollama/a.ts', 'backends/http/a.ts'] },
      { name: 'other', paths: ['backends/http/a.ts', 'report/a.ts'] },
    ]);
  });
});

describe('an engine', () => {
  /** Files outside of the engines' folders that name an engine for good, and why. */
  const leaves: Record<string, { names: string[]; because: string }> = {
    'backends/index.ts': { names: engines, because: 'it is the list of engines' },
    'commands/serve/command.ts': { names: ['openai'], because: "it serves OpenAI's Batch API" },
    'commands/convert/command.ts': { names: ['openai'], because: 'it names the services whose files it writes' },
    'commands/convert/formats/hosted-formats.ts': { names: ['openai'], because: 'it is the list of these services' },
    'commands/convert/formats/openai.ts': { names: ['openai'], because: "the file format of OpenAI's batches" },
    'commands/merge/hosted/hosted-shapes.ts': { names: ['openai'], because: "the shape of its batches' results" },
    'core/request-keys/foreign-keys.ts': { names: ['openai'], because: "words of OpenAI's client are refused by name" },
    'core/request-keys/known-keys.ts': { names: ['vllm'], because: 'a key of its API bears its name' },
    'commands/help/topics.ts': { names: ['openai'], because: 'it describes the OpenAI Batch format' },
    'input/line-formats.ts': { names: ['openai'], because: 'the OpenAI Batch format of a line' },
  };
  const named = new Map(sources.map((source) => [source.path, enginesNamedIn(source)]));

  test('is named only in its own folder, in the list of engines and where a format bears its name', () => {
    const wrong = [...named].flatMap(([path, names]) => {
      const allowed = [...(leaves[path]?.names ?? []), ...(pending.engineNames[path] ?? [])];
      return names.filter((name) => !allowed.includes(name)).map((name) => `${path} names ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test('that a file may name is named there', () => {
    const allowed = Object.entries(leaves).map(([path, { names }]) => [path, names] as const);
    const unused = [...allowed, ...Object.entries(pending.engineNames)].flatMap(([path, names]) =>
      names.filter((name) => !named.get(path)?.includes(name)).map((name) => `${path} no longer names ${name}`),
    );
    expect(unused).toEqual([]);
  });

  test.each([
    ['const ollamaHost = 1;', ['ollama']],
    ['export interface A { llamaCpp: string }', ['llama-cpp']],
    ["export const a = 'OPENAI_BASE_URL';", ['openai']],
    ['export const a = `start ${1} with vLLM`;', ['vllm']],
    ['export const a = /^ollama:/;', ['ollama']],
    ["import { a } from '../backends/ollama/index.ts';", []],
    ['const planOllamas = aollama;', []],
    ['/** Of Ollama. */ export const a = 1; // vLLM', []],
  ])('is found in names, strings, templates and patterns, not in comments: %s', (text, names) => {
    expect(enginesNamedIn(readSource('run/planted.ts', text))).toEqual(names);
    expect(enginesNamedIn(readSource('backends/ollama/planted.ts', text))).toEqual([]);
  });
});

describe('an old word', () => {
  /** Words that no name holds any more, and what the code says instead. */
  const oldWords: Record<string, string> = {
    lane: 'worker',
    lanes: 'workers',
    bell: 'notifier',
    tally: 'counter',
    desk: 'context',
    seat: 'replica',
    wish: 'options',
    wishes: 'options',
    crowding: 'contention',
    most: 'max',
    least: 'min',
    fewest: 'min',
    longest: 'max',
  };

  const participles = ['Known', 'Asked', 'Told', 'Seen', 'Said', 'Found', 'Reached', 'Described'];

  /** Names that the code no longer uses, and what it says instead. */
  const oldNames: Record<string, string> = {
    EnginePlace: 'BackendAddress',
    EngineSlot: 'BackendCache',
    BenchSlot: 'TrialBackend',
    RunPlaces: 'RunPaths',
    BenchPlaces: 'BenchPaths',
    LineGroup: 'WriteBuffer',
    Segment: 'ModelGroup',
    Column: 'GrowableArray',
    Hold: 'RateLimitPause',
    holdMs: 'pauseMs',
    Level: 'LimitSample',
    Examination: 'SystemReport',
    cycledBackend: 'coldStartBackend',
    plainest: 'referenceTrial',
    keepWorst: 'topDifferences',
    fate: 'outcome',
    pace: 'jitter',
    tolerance: 'allowedPushbacks',
    falls: 'decreaseFactor',
    // Participles that leave open what the thing is.
    ...Object.fromEntries(participles.map((word) => [word, 'what the thing is'])),
  };

  /** The old words in the names of a file, each name once. */
  function oldWordsIn({ path, identifiers }: Source): { word: string; place: string }[] {
    return [...new Set(identifiers)].flatMap((name) => {
      // A phrase of plain English.
      if (name === 'isAtLeast') return [];
      const parts = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? [];
      const word = parts.map((part) => part.toLowerCase()).find((part) => Object.hasOwn(oldWords, part));
      if (word !== undefined) return [{ word, place: `${path}: ${name} (for ${word} say ${oldWords[word]})` }];
      return Object.hasOwn(oldNames, name) ? [{ word: name, place: `${path}: ${name} (say ${oldNames[name]})` }] : [];
    });
  }

  const found = groupBy(sources.flatMap(oldWordsIn), ({ word }) => word);

  test('does not come back', () => {
    const back = [...found].filter(([word, places]) => places.length > (pending.oldWords[word] ?? 0));
    expect(back.flatMap(([, places]) => places.map(({ place }) => place))).toEqual([]);
  });

  test('that may still stand does', () => {
    expect(Object.keys(pending.oldWords).filter((word) => !found.has(word))).toEqual([]);
  });

  test('is found within a name and as a whole name', () => {
    const placesIn = (text: string) => oldWordsIn(readSource('run/planted.ts', text)).map(({ place }) => place);
    expect(placesIn('const openLane = 1, mostMs = 2, plane = isAtLeast(almost, Levels, level);')).toEqual([
      'run/planted.ts: openLane (for lane say worker)',
      'run/planted.ts: mostMs (for most say max)',
    ]);
    expect(placesIn('/** The lane. */ export interface Level { seat: string }')).toEqual([
      'run/planted.ts: Level (say LimitSample)',
      'run/planted.ts: seat (for seat say replica)',
    ]);
  });
});

/**
 * Names that two files export, but for two engines, which have the same parts and never meet, and for the files that turn
 * a format on disk into ours and back, which are made alike.
 */
function findRepeatedNames(all: Source[]): { name: string; paths: string[] }[] {
  const exported = all.flatMap(({ path, exportedNames }) => exportedNames.map((name) => ({ name, path })));
  return [...groupBy(exported, ({ name }) => name)]
    .map(([name, each]) => ({ name, paths: each.map(({ path }) => path) }))
    .filter(({ paths }) => {
      const owners = paths.map(engineOf);
      if (paths.every((path) => /\bwire\.ts$/.test(path))) return false;
      return paths.length > 1 && (owners.includes(null) || new Set(owners).size < owners.length);
    });
}

/** The engines that a file outside of their folders names in its code. */
function enginesNamedIn({ path, identifiers, strings }: Source): string[] {
  if (engineOf(path) !== null) return [];
  return engines.filter((name) => {
    const pattern = new RegExp(name.replace('-', '[-_ ]?'), 'gi');
    const texts = [...identifiers, ...strings].filter(Boolean);
    return texts.some((text) => [...text.matchAll(pattern)].some(isWord));
  });
}

/** Says whether a match begins and ends where a word of its text does: `echo` is one in `echoHost`, but not in `modeChoice`. */
function isWord({ 0: word, index, input }: RegExpExecArray): boolean {
  const [before, after] = [input.charAt(index - 1), input.charAt(index + word.length)];
  const begins = !/[a-z]/i.test(before) || (/[a-z]/.test(before) && /[A-Z]/.test(word.charAt(0)));
  return begins && !/[a-z]/.test(after);
}

/** The engine in whose folder a file lies, or null. */
function engineOf(path: string): string | null {
  return engines.find((name) => path.startsWith(`backends/${name}/`)) ?? null;
}

function groupBy<Item>(items: Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
