import { Chalk, chalkStderr } from 'chalk';
import type { Snapshot } from '../core/snapshot.ts';
import type { ServerNumbers } from '../core/snapshot/server-numbers.ts';
import { columnsOf, cutToColumns } from '../text/columns.ts';
import { formatInteger, formatRate, formatSeconds, formatTokenRate } from '../text/format.ts';
import { printable } from '../text/printable.ts';

/** Columns of a name; a longer one is cut. */
const maxNameColumns = 30;

interface Part {
  text: string;
  isUp: boolean;
}

interface Drawing {
  columns: number;
  /** What stands between two servers. */
  separator: string;
  /** Marks a server that takes no requests. */
  mark?: (text: string) => string;
}

/**
 * The servers of a run in so many columns at most: `desktop:8000 12.3 req/s, 8 in flight · laptop:11434 away 10 s`. Where
 * they take more, each is told in fewer words; where even that is too much, those that are not up come first, and the others
 * are counted. Empty where the run has one engine.
 */
export function serversText({ servers }: Snapshot, { columns, separator, mark = (text) => text }: Drawing): string {
  if (servers === null) return '';
  const words = [fullPart, longPart, shortPart, shortestPart].map((part) => servers.map(part));
  const gap = separator.length + 2;
  const fitting = words.find((parts) => lengthOf(parts, gap) <= columns);
  const parts = fitting ?? cut(servers.map(shortestPart), gap, columns);
  return parts.map(({ text, isUp }) => (isUp ? text : mark(text))).join(` ${separator} `);
}

/** Marks, in colour, what takes no requests. chalk ignores NO_COLOR (https://no-color.org). */
export const markAway: (text: string) => string = new Chalk({ level: process.env['NO_COLOR'] ? 0 : chalkStderr.level })
  .yellow;

const lengthOf = (parts: Part[], gap: number): number =>
  parts.reduce((sum, { text }) => sum + columnsOf(text), 0) + gap * (parts.length - 1);

const nameOf = ({ name }: ServerNumbers): string => cutToColumns(printable(name), maxNameColumns);

/** As the long one, with the rate of tokens. */
function fullPart(server: ServerNumbers): Part {
  const { text, isUp } = shortPart(server);
  const { recent, overall, basis } = server.rates.generation;
  const tokens = recent ?? overall;
  if (!isUp || tokens === null || basis === null) return longPart(server);
  const rate = `${basis === 'ended' ? '~' : ''}${formatTokenRate(tokens)} tok/s`;
  if (rateOf(server) === null) return { text: `${nameOf(server)} ${rate}, ${inFlightText(server)}`, isUp };
  return { text: `${text}, ${rate}, ${inFlightText(server)}`, isUp };
}

/** As the short one, without the name of the unit. */
function shortestPart(server: ServerNumbers): Part {
  const { text, isUp } = shortPart(server);
  return { text: text.replace(/ req\/s$/, '/s'), isUp };
}

/** A server that is up: its rate, and what it works on. Another: its state, and for how long. */
function longPart(server: ServerNumbers): Part {
  const { text, isUp } = shortPart(server);
  if (!isUp || rateOf(server) === null) return { text, isUp };
  return { text: `${text}, ${inFlightText(server)}`, isUp };
}

function shortPart(server: ServerNumbers): Part {
  const { state, stateSeconds, givesWay } = server;
  if (givesWay === true) return { text: `${nameOf(server)} gives way`, isUp: false };
  const isUp = state === 'up';
  const rate = rateOf(server);
  const working = rate === null ? inFlightText(server) : `${formatRate(rate)} req/s`;
  return { text: `${nameOf(server)} ${isUp ? working : `${state} ${formatSeconds(Math.floor(stateSeconds))}`}`, isUp };
}

const rateOf = ({ rates }: ServerNumbers): number | null => rates.requests.recent ?? rates.requests.overall;

const inFlightText = ({ inFlight }: ServerNumbers): string => `${formatInteger(inFlight)} in flight`;

/** As many as fit, those that are not up first, and the number of the others. */
function cut(parts: Part[], gap: number, columns: number): Part[] {
  const ordered = parts.toSorted((one, other) => Number(one.isUp) - Number(other.isUp));
  for (let count = ordered.length - 1; count > 0; count--) {
    const kept = [...ordered.slice(0, count), { text: `${ordered.length - count} more`, isUp: true }];
    if (lengthOf(kept, gap) <= columns) return kept;
  }
  const up = parts.filter(({ isUp }) => isUp).length;
  return [{ text: cutToColumns(`${up} of ${parts.length} servers up`, columns), isUp: up === parts.length }];
}
