import type { Spec } from 'vega';
import type { GridChart, Room } from './chart.ts';
import { accent, labelText, markOf, on, plain, signal } from './chart-theme.ts';

const cellHeight = 34;
/** Pixels of a cell that the texts `100.0%` and `100` need. */
const [roomForText, roomForShort] = [46, 26];
/** Pixels of a letter, on average. */
const letter = 7;
/** Pixels that the names of the rows take at most: `labelLimit` of `chartConfig`. */
const maxNamesWidth = 260;

/** The Vega specification of a grid of shares. */
export function gridSpec({ rows, columns, x, y }: GridChart, { isNarrow, width }: Room): Spec {
  const rowNames = rows.map(({ name, short }) => (isNarrow ? short : name));
  const namesWidth = Math.min(maxNamesWidth, letter * Math.max(...rowNames.map(({ length }) => length), 0));
  const textOf = textIn((width - namesWidth) / columns.length);
  const cells = rows.flatMap((row, rowIndex) =>
    row.cells.flatMap((cell, column) =>
      cell === null ? [] : [{ ...cell, text: textOf(cell.text), row: rowIndex, column }],
    ),
  );
  return {
    height: Math.max(rows.length, 1) * cellHeight,
    data: [{ name: 'cells', values: cells }],
    signals: [
      { name: 'columnNames', value: columns.map(({ name, short }) => (isNarrow ? short : name)) },
      { name: 'rowNames', value: rowNames },
    ],
    scales: [
      { name: 'x', type: 'band', domain: columns.map((_, index) => index), range: 'width', padding: 0.04 },
      { name: 'y', type: 'band', domain: rows.map((_, index) => index), range: 'height', padding: 0.06 },
    ],
    axes: [
      { orient: 'top', scale: 'x', title: x.title, ticks: false, domain: false, encode: named('columnNames') },
      { orient: 'left', scale: 'y', title: y.title, ticks: false, domain: false, encode: named('rowNames') },
    ],
    marks: cellMarks,
  };
}

/** Shortens the texts of cells that are too narrow, down to nothing: the table below the chart has all numbers. */
function textIn(cellWidth: number): (text: string) => string {
  if (cellWidth >= roomForText) return (text) => text;
  return cellWidth >= roomForShort ? (text) => text.replace(/(\.0)?%$/, '') : () => '';
}

/** Labels of an axis, by their index: two names may be equal, which a scale of names would take for one. */
const named = (names: string) => ({ labels: { update: { text: signal(`${names}[datum.value]`) } } });

const unlessSetOff = (colour: string) => [{ test: 'datum.isSetOff', value: accent }, { value: colour }];

const cellMarks = [
  markOf('rect', 'cells', {
    x: on('x', 'column'),
    width: { scale: 'x', band: 1 },
    y: on('y', 'row'),
    height: { scale: 'y', band: 1 },
    fill: unlessSetOff(plain),
    fillOpacity: signal('0.06 + 0.4 * pow(datum.share, 3)'),
    stroke: unlessSetOff('var(--line)'),
  }),
  markOf('text', 'cells', {
    ...labelText,
    x: on('x', 'column', { band: 0.5 }),
    y: on('y', 'row', { band: 0.5 }),
    align: 'center',
    baseline: 'middle',
    text: { field: 'text' },
  }),
];
