/** Engines side by side, as the dispatch sees them. */
export interface Seat {
  inFlight: number;
}

/**
 * Chooses the engine for a request. Requests of one system prompt go to the same engine first, whose prefix cache has
 * it, until that one has its share of the work; then to the one that has the least.
 */
export function createDispatch(
  seats: readonly Seat[],
): (systemPrompt: string, isUp: (seat: number) => boolean) => number {
  if (seats.length === 1) return () => 0;
  const homes = new Map<string, number>();
  return (systemPrompt, isUp) => {
    const up = seats.map((_, seat) => seat).filter(isUp);
    const choice = up.length === 0 ? seats.map((_, seat) => seat) : up;
    const least = choice.reduce((best, seat) => (seats[seat]!.inFlight < seats[best]!.inFlight ? seat : best));
    const home = homes.get(systemPrompt);
    if (home !== undefined && choice.includes(home) && seats[home]!.inFlight <= seats[least]!.inFlight * slack + spare)
      return home;
    if (homes.size >= maxHomes) homes.clear();
    if (home === undefined) homes.set(systemPrompt, least);
    return least;
  };
}

/** How much more work than the idlest an engine may have: no more than the others could take over at once. */
const slack = 1.25;
const spare = 8;
/** A file in which every request has a system prompt of its own has no homes to remember. */
const maxHomes = 10_000;
