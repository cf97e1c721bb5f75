import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';

/** A document of the repository. */
export interface Page {
  /** Relative to the root of the repository, with forward slashes. */
  path: string;
  text: string;
}

/** README, CONTRIBUTING and everything in docs/. */
export async function readPages(): Promise<Page[]> {
  const names = await readdir('docs', { recursive: true });
  const docs = names.filter((name) => name.endsWith('.md')).map((name) => path.posix.join('docs', name));
  const paths = ['README.md', 'CONTRIBUTING.md', ...docs];
  return Promise.all(paths.map(async (file) => ({ path: file, text: await readFile(file, 'utf8') })));
}

/** The text of a page without its fenced blocks. */
const withoutFences = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '');

/** The contents of the fenced blocks of a page. */
export const fencesOf = (text: string): string[] =>
  [...text.matchAll(/^```[^\n]*\n(.*?)^```$/gms)].map(([, block = '']) => block);

/** The contents of the code spans of a page, without those in fenced blocks. */
export const codeSpansOf = (text: string): string[] =>
  [...withoutFences(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** The anchors of the headings of a page, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#+ (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** The links of a page that lead to a place in this repository. */
export const relativeLinksOf = (text: string): string[] =>
  [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

/** The links of a page that lead nowhere. `exists` says whether a path of the repository is there. */
export function brokenLinks(page: Page, pages: readonly Page[], exists: (file: string) => boolean): string[] {
  return relativeLinksOf(page.text).filter((link) => {
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page.path : path.posix.join(path.posix.dirname(page.path), file);
    if (!exists(target)) return true;
    const linked = pages.find((other) => other.path === target);
    return anchor !== undefined && !(linked !== undefined && anchorsOf(linked.text).has(anchor));
  });
}

/** The first cells of the rows of the table between two comments, `<!-- name -->` and `<!-- /name -->`. */
export function tableBetween(text: string, name: string): string[][] {
  const [, block] = new RegExp(`<!-- ${name} -->\n(.*?)<!-- /${name} -->`, 's').exec(text) ?? [];
  if (block === undefined) throw new Error(`the page has no table called ${name}`);
  const [, , ...rows] = block.trim().split('\n');
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

/** The paths of this repository that the code of a page names, and the scripts of `npm run`, that are not there. */
export function missingPaths(page: Page, exists: (file: string) => boolean, scripts: readonly string[]): string[] {
  const code = [...codeSpansOf(page.text), ...fencesOf(page.text)].join('\n');
  const paths = code.match(/(?<![\w./~-])(?:src|test|scripts|examples|fixtures|benchmarks)\/[\w./-]*[\w/]/g) ?? [];
  // A path to a source file may begin within src/.
  const sources = codeSpansOf(page.text).filter((span) => /^[a-z-]+(?:\/[a-z-]+)+\.ts$/.test(span));
  const named = [...code.matchAll(/npm run (?:-s )?([a-z:]+)/g)].map(([, name = '']) => name);
  return [
    ...new Set([
      ...paths.filter((file) => !exists(file)),
      ...sources.filter((file) => !exists(file) && !exists(`src/${file}`)),
    ]),
    ...named.filter((name) => !scripts.includes(name)).map((name) => `npm run ${name}`),
  ];
}
