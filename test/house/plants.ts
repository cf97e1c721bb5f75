import { posix } from 'node:path';

const ground = ['async', 'core', 'data', 'files', 'machine', 'text'];
const stages = ['input', 'scheduler', 'journal', 'metrics', 'progress', 'report', 'export'];
const backendParts = ['backends/http', 'backends/request', 'backends/subprocess'];
const registry = 'backends/index.ts';

/** What the files of each folder may import besides their own folder; all else is refused. */
export const law: Record<string, string[]> = {
  async: [],
  data: [],
  text: ['data'],
  core: ['async', 'data', 'text'],
  files: ['async', 'core', 'data', 'text'],
  machine: ['async', 'core', 'data', 'text'],
  ...Object.fromEntries(stages.map((stage) => [stage, ground])),
  ...Object.fromEntries(backendParts.map((part) => [part, [...ground, ...backendParts]])),
  'backends/planted-engine': [...ground, ...backendParts],
  run: [...ground, ...stages],
  doctor: ground,
  bench: [...ground, 'input', 'journal', 'metrics', 'report', 'run'],
  serve: [...ground, 'input', 'journal', 'metrics', 'run'],
  commands: [...ground, ...stages, 'run', 'doctor', 'bench', 'serve'],
};

/** All that a file can import: two files of each folder, one of them deeper, and the files at the top. */
const targets = [
  ...[...Object.keys(law), 'backends/ollama'].flatMap((folder) => [`${folder}/target.ts`, `${folder}/deep/target.ts`]),
  registry,
  'cli.ts',
  'index.ts',
];

/** Statements that import, in every form that the linter judges. */
const forms: Record<string, (path: string, name: string) => string> = {
  value: (path, name) => `import { value as ${name} } from '${path}';`,
  type: (path, name) => `import type { Shape as ${name} } from '${path}';`,
  'inline-type': (path, name) => `import { type Shape as ${name} } from '${path}';`,
  effect: (path) => `import '${path}';`,
  'export-value': (path, name) => `export { value as ${name} } from '${path}';`,
  'export-type': (path, name) => `export type { Shape as ${name} } from '${path}';`,
  'export-all': (path) => `export * from '${path}';`,
  dynamic: (path) => `await import('${path}');`,
};

/** One line of a planted file. */
export interface PlantedLine {
  /** Path of the file below `src/`. */
  path: string;
  /** Number of the line, from 1. */
  line: number;
  text: string;
  /** Whether the law refuses the import. */
  isRefused: boolean;
}

/** For each folder of the law, each depth below it and each form of import: a file that imports every target. */
export function plantImports(): PlantedLine[] {
  const folders = Object.entries(law).flatMap(([folder, allowed]) =>
    // Folders lie at most three levels below src/, which a test of the folders holds.
    [folder, `${folder}/planted`, `${folder}/planted/deeper`]
      .filter((path) => path.split('/').length <= 3)
      .map((path) => ({ path, allowed: [folder, ...allowed] })),
  );
  // Of the files of backends/ itself, the registry alone knows the engines.
  folders.push({ path: 'backends', allowed: [...ground, ...backendParts, registry] });
  return folders.flatMap(({ path, allowed }) =>
    Object.entries(forms).flatMap(([form, write]) => plantFile(`${path}/planted-${form}.ts`, write, allowed)),
  );
}

function plantFile(path: string, write: (path: string, name: string) => string, allowed: string[]): PlantedLine[] {
  return targets.map((target, index) => ({
    path,
    line: index + 1,
    text: write(importPath(path, target), `name${index}`),
    isRefused: !allowed.some((each) => target === each || target.startsWith(`${each}/`)),
  }));
}

/** The path by which one file of `src/` imports another. */
export function importPath(from: string, target: string): string {
  const path = posix.relative(posix.dirname(from), target);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Two circles of files, of values and of types alone. */
export const plantedCircles = {
  'text/planted-value-one.ts': "import { two } from './planted-value-two.ts';\nexport const one = () => two;",
  'text/planted-value-two.ts': "import { one } from './planted-value-one.ts';\nexport const two = () => one;",
  'text/planted-type-one.ts': "import type { Two } from './planted-type-two.ts';\nexport type One = Two[];",
  'text/planted-type-two.ts': "import type { One } from './planted-type-one.ts';\nexport type Two = { one: One };",
};
