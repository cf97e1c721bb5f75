import { posix } from 'node:path';
import type { Source, SourceImport } from './read-sources.ts';

/** The ways out of a folder that the linter does not see, each as `file: reason`. */
export function findHiddenImports(source: Source): string[] {
  return source.imports.flatMap((each) => {
    const reason = reasonAgainst(source.path, each);
    return reason ? [`${source.path}: ${reason}`] : [];
  });
}

function reasonAgainst(from: string, { kind, path }: SourceImport): string | null {
  if (kind === 'computed') return 'an import of a computed path can not be judged';
  if (/^llmbatch(\/|$)/.test(path)) return `'${path}' imports the package from within`;
  if (!path.startsWith('.')) return null;
  if (kind === 'type') return `'${path}' is a type of another file: write "import type", which the linter judges`;
  const target = resolve(from, path);
  if (kind === 'text') return leavesFolder(from, target) ? `'${path}' reaches into another folder of src/` : null;
  return path === shortest(from, target)
    ? null
    : `'${path}' is not the shortest path, which is ${shortest(from, target)}`;
}

function leavesFolder(from: string, target: string): boolean {
  return target.startsWith('src/') && ownFolder(target) !== ownFolder(`src/${from}`);
}

/** The folder directly below `src/` or below `src/backends/`. */
function ownFolder(path: string): string | undefined {
  return /^src\/(backends\/[^/]+|[^/]+)/.exec(path)?.[1];
}

/** From the repository's root. */
function resolve(from: string, path: string): string {
  return posix.join('src', posix.dirname(from), path);
}

function shortest(from: string, target: string): string {
  const path = posix.relative(posix.join('src', posix.dirname(from)), target);
  return path.startsWith('.') ? path : `./${path}`;
}

/**
 * Groups of files and folders of one folder that import each other in a circle, each as a list with commas. A folder
 * stands for all that it holds.
 */
export function findCircles(sources: Source[]): string[] {
  const arrows = new Map<string, Set<string>>();
  for (const { path, imports } of sources) {
    for (const each of imports) {
      if (!each.path.startsWith('.') || each.kind === 'text') continue;
      const [from, to] = siblingsOf(path, posix.join(posix.dirname(path), each.path));
      if (from !== to) arrows.set(from, (arrows.get(from) ?? new Set()).add(to));
    }
  }
  const groups = [...arrows.keys()].map((start) => circleThrough(start, arrows)).filter((group) => group.length > 1);
  return [...new Set(groups.map((group) => group.join(', ')))];
}

/** The two things of one folder in which two files lie. */
function siblingsOf(left: string, right: string): [string, string] {
  const [a, b] = [left.split('/'), right.split('/')];
  const shared = a.findIndex((part, index) => part !== b[index]);
  return shared === -1 ? [left, left] : [a.slice(0, shared + 1).join('/'), b.slice(0, shared + 1).join('/')];
}

/** All that a thing reaches and that reaches it, with itself. */
function circleThrough(start: string, arrows: Map<string, Set<string>>): string[] {
  const reached = reachedFrom(start, arrows);
  return [...reached].filter((each) => each === start || reachedFrom(each, arrows).has(start)).toSorted();
}

function reachedFrom(start: string, arrows: Map<string, Set<string>>): Set<string> {
  const reached = new Set([start]);
  for (const each of reached) for (const next of arrows.get(each) ?? []) reached.add(next);
  return reached;
}
