import { createRandom } from '../data/random.ts';
import { type RowTable, rowStates } from '../data/row-table.ts';
import type { InputScan } from './scan-input.ts';

/** Rows that one loaded model answers, in the order of their running. */
export interface ModelGroup {
  /** Model that the rows need; null for rejected lines, which need none. */
  model: string | null;
  rows: Uint32Array;
}

/**
 * The order of a run: rejected lines first, then by model, then by system prompt (so that the engine's prefix cache
 * serves it), then as in the input. Rows that need nothing any more are left out.
 */
export function planGroups({ table, groups, models }: Pick<InputScan, 'table' | 'groups' | 'models'>): ModelGroup[] {
  const rejected = rowsWhere(table, (row) => table.state(row) === rowStates.rejected && table.resultOffset(row) < 0);
  const planned: ModelGroup[] = rejected.length > 0 ? [{ model: null, rows: rejected }] : [];
  for (const [model, rows] of openRowsByModel({ table, groups, models })) {
    if (rows.length > 0) planned.push({ model, rows: sortByGroup(table, rows) });
  }
  return planned;
}

/** Collects the rows of all models in one pass: a file may name as many models as it has rows. */
function openRowsByModel({ table, groups, models }: Pick<InputScan, 'table' | 'groups' | 'models'>) {
  const places = new Map(models.map((model, place) => [model, place]));
  const modelOf = Uint32Array.from(groups, ({ model }) => places.get(model) ?? 0);
  const counts = new Uint32Array(models.length);
  const isOpen = (row: number): boolean => table.state(row) === rowStates.open;
  for (let row = 0; row < table.size; row++) if (isOpen(row)) counts[modelOf[table.group(row)]!]!++;
  const rows = [...counts].map((count) => new Uint32Array(count));
  counts.fill(0);
  for (let row = 0; row < table.size; row++) {
    if (!isOpen(row)) continue;
    const place = modelOf[table.group(row)]!;
    rows[place]![counts[place]!++] = row;
  }
  return models.map((model, place) => [model, rows[place]!] as const);
}

function rowsWhere(table: RowTable, isWanted: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(table.size);
  let count = 0;
  for (let row = 0; row < table.size; row++) {
    if (isWanted(row)) rows[count++] = row;
  }
  return rows.slice(0, count);
}

/** Groups are numbered by their first row, so that a file of one group, or a sorted one, keeps its order. */
function sortByGroup(table: RowTable, rows: Uint32Array): Uint32Array {
  const isSorted = rows.every((row, index) => index === 0 || table.group(row) >= table.group(rows[index - 1] ?? 0));
  return isSorted ? rows : rows.toSorted((left, right) => table.group(left) - table.group(right) || left - right);
}

/** Leaves all but `size` of the open rows out, the same ones for the same seed. */
export function keepRandomRows(table: RowTable, size: number, seed: number): void {
  const rows = rowsWhere(table, (row) => table.state(row) !== rowStates.left);
  const random = createRandom(seed);
  for (let index = rows.length - 1; index >= size; index--) {
    const other = Math.floor(random() * (index + 1));
    table.setState(rows[other] ?? 0, rowStates.left);
    rows[other] = rows[index] ?? 0;
  }
}
