import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

/** One code file of `src/`, as its parsed text shows it. */
export interface Source {
  /** Path below `src/`, with slashes. */
  path: string;
  imports: SourceImport[];
  /** Names of functions, constants, classes and types that the file defines and exports, re-exports left out. */
  exportedNames: string[];
  /** Every identifier of the code. */
  identifiers: string[];
  /** Every string, template part and regular expression of the code; paths of imports are left out. */
  strings: string[];
}

export interface SourceImport {
  /** `computed` is a dynamic import whose path is no literal; `text` is a string that looks like the path of a file. */
  kind: 'static' | 'dynamic' | 'type' | 'computed' | 'text';
  /** The path or package as it is written. */
  path: string;
}

interface Node {
  type: string;
  [key: string]: unknown;
}

/** The repository's root. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Every TypeScript file of `src/`, parsed. */
export function readSources(): Source[] {
  const paths = codeFiles(join(root, 'src')).filter((path) => path.endsWith('.ts'));
  return paths.map((path) => readSource(path, readFileSync(join(root, 'src', path), 'utf8')));
}

/** Paths of the code files below a folder, with slashes, in order. */
export function codeFiles(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.(ts|mjs|py)$/.test(path))
    .toSorted();
}

/** Parses the text of one TypeScript file. */
export function readSource(path: string, text: string): Source {
  const source: Source = { path, imports: [], exportedNames: [], identifiers: [], strings: [] };
  visit(parseAst(text, { lang: 'ts' }) as unknown as Node, source);
  return source;
}

function visit(node: Node, source: Source): void {
  const found = importOf(node);
  if (found) source.imports.push(found);
  else collect(node, source);
  for (const [key, child] of Object.entries(node)) {
    if (!found || found.kind === 'computed' || key !== 'source') visitAll(child, source);
  }
}

function visitAll(child: unknown, source: Source): void {
  if (Array.isArray(child)) for (const each of child) visitAll(each, source);
  else if (isNode(child)) visit(child, source);
}

function collect(node: Node, source: Source): void {
  if (node.type === 'Identifier' || node.type === 'PrivateIdentifier') source.identifiers.push(String(node['name']));
  if (node.type === 'Literal') collectText(String(node['value'] ?? node['raw']), source);
  if (node.type === 'TemplateElement') collectText((node['value'] as { cooked: string }).cooked, source);
  if (node.type === 'ExportNamedDeclaration' && isNode(node['declaration'])) {
    source.exportedNames.push(...declaredNames(node['declaration']));
  }
}

function collectText(text: string, source: Source): void {
  source.strings.push(text);
  if (/^\.\.?\//.test(text)) source.imports.push({ kind: 'text', path: text });
}

function declaredNames(declaration: Node): string[] {
  const declared = (declaration['declarations'] as Node[] | undefined) ?? [declaration];
  return declared.map((each) => each['id']).flatMap((id) => (isNode(id) ? [String(id['name'])] : []));
}

function importOf(node: Node): SourceImport | null {
  const path = isNode(node['source']) ? node['source']['value'] : undefined;
  if (node.type === 'ImportExpression') {
    return typeof path === 'string' ? { kind: 'dynamic', path } : { kind: 'computed', path: '' };
  }
  if (typeof path !== 'string') return null;
  return { kind: node.type === 'TSImportType' ? 'type' : 'static', path };
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
