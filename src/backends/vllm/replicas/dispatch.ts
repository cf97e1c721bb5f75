/** Engines side by side, as the dispatch sees them. */
export interface Replica {
  inFlight: number;
}

/**
 * Chooses the engine for a request. Requests of one system prompt go to the same engine first, whose prefix cache has
 * it, until that one has its share of the work; then to the one that has the least.
 */
export function createDispatch(
  replicas: readonly Replica[],
): (systemPrompt: string, isUp: (replica: number) => boolean) => number {
  if (replicas.length === 1) return () => 0;
  const affinities = new Map<string, number>();
  return (systemPrompt, isUp) => {
    const up = replicas.map((_, replica) => replica).filter(isUp);
    const choice = up.length === 0 ? replicas.map((_, replica) => replica) : up;
    const idlest = choice.reduce((best, replica) =>
      replicas[replica]!.inFlight < replicas[best]!.inFlight ? replica : best,
    );
    const affinity = affinities.get(systemPrompt);
    if (
      affinity !== undefined &&
      choice.includes(affinity) &&
      replicas[affinity]!.inFlight <= replicas[idlest]!.inFlight * slack + spare
    )
      return affinity;
    if (affinities.size >= maxAffinities) affinities.clear();
    if (affinity === undefined) affinities.set(systemPrompt, idlest);
    return idlest;
  };
}

/** How much more work than the idlest an engine may have: no more than the others could take over at once. */
const slack = 1.25;
const spare = 8;
/** A file in which every request has a system prompt of its own has no affinities to remember. */
const maxAffinities = 10_000;
