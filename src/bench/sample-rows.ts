export interface SampleSize {
  /** Rows; at most those that there are. */
  size: number;
  /** From 0 to 1: with another one, other rows. */
  offset: number;
}

/** Rows of one group that follow each other, which are taken together or not at all. */
type Stretch = number[];

/** So many stretches at least, for a sample that is spread over the file. */
const fewestStretches = 16;

/**
 * A sample that is as fast as the whole: single rows spread over the file would share less of their prompts than their
 * neighbours do, so whole groups are taken (a group is a system prompt, whose requests run one behind the other), and
 * stretches of those that are too large. Rows come in ascending order.
 */
export function sampleRows(rows: readonly number[], groupOf: (row: number) => number, wanted: SampleSize): number[] {
  const { size } = wanted;
  if (size >= rows.length) return [...rows];
  const [taken, left] = spread(stretchesOf(rows, groupOf, Math.max(1, Math.floor(size / fewestStretches))), wanted);
  // Only the last is cut: the sum of whole ones is a little more or less than what is wanted.
  return [...taken, ...left.toReversed()]
    .flat()
    .slice(0, size)
    .toSorted((first, second) => first - second);
}

function stretchesOf(rows: readonly number[], groupOf: (row: number) => number, longest: number): Stretch[] {
  const open = new Map<number, Stretch>();
  const stretches: Stretch[] = [];
  for (const row of rows) {
    const group = groupOf(row);
    let stretch = open.get(group);
    if (stretch === undefined || stretch.length === longest) {
      stretch = [];
      stretches.push(stretch);
      open.set(group, stretch);
    }
    stretch.push(row);
  }
  return stretches;
}

/** Of each length the same share, and those of one length spread evenly over the file. */
function spread(stretches: readonly Stretch[], { size, offset }: SampleSize): [taken: Stretch[], left: Stretch[]] {
  const share = size / stretches.reduce((sum, { length }) => sum + length, 0);
  const ahead = (1 - share) * (1 - offset);
  const [taken, left]: [Stretch[], Stretch[]] = [[], []];
  let owed = 0;
  for (const stretch of stretches.toSorted((first, second) => first.length - second.length)) {
    owed += share * stretch.length;
    const isDue = owed >= (1 - ahead) * stretch.length - rounding;
    if (isDue) owed -= stretch.length;
    (isDue ? taken : left).push(stretch);
  }
  return [taken, left];
}

const rounding = 1e-6;
