import type { WorkItem } from '../../core/request.ts';

/** Requests that are best answered by one engine, since its prefix cache has what they begin with. */
export interface Partition {
  /** Number of requests; null while the input is being read. */
  size: number | null;
  /** The requests in batches: the next batch is read when the one before is used up. */
  items: AsyncIterable<WorkItem[]>;
}

/** Hands out the requests of all partitions, to each engine from a partition of its own for as long as there are enough. */
export interface PartitionReader {
  /** The next request for this engine (0-based); null where one must be read first, or none is left. Throws what a read threw. */
  takeNow: (engine: number) => WorkItem | null;
  /** Begins to read where `takeNow` found nothing to hand out, unless that goes on already. */
  start: (engine: number) => void;
  hasEnded: () => boolean;
  /** Requests that were not handed out yet; Infinity where nobody knows. */
  left: () => number;
}

interface OpenPartition {
  readonly size: number | null;
  readonly items: AsyncIterator<WorkItem[]>;
  batch: WorkItem[];
  index: number;
  taken: number;
  hasEnded: boolean;
  isReading: boolean;
}

/**
 * An engine stays on its partition to its end. Then it takes the next one that no other engine has begun, and where there is none,
 * helps with the one that has the most left. `onChange` is called when a read has ended.
 */
export function createPartitionReader(partitions: readonly Partition[], onChange: () => void): PartitionReader {
  const open = new Set<OpenPartition>();
  const current = new Map<number, OpenPartition>();
  const state = { next: 0, failure: null as unknown };

  const begin = (): OpenPartition | null => {
    const partition = partitions[state.next];
    if (partition === undefined) return null;
    state.next++;
    const fields = { batch: [], index: 0, taken: 0, hasEnded: false, isReading: false };
    const begun: OpenPartition = { size: partition.size, items: partition.items[Symbol.asyncIterator](), ...fields };
    open.add(begun);
    return begun;
  };
  const partitionOf = (engine: number): OpenPartition | null => {
    const known = current.get(engine);
    if (known !== undefined && !known.hasEnded) return known;
    const partition = begin() ?? largest(open);
    if (partition !== null) current.set(engine, partition);
    return partition;
  };
  const read = async (partition: OpenPartition): Promise<void> => {
    await readBatch(partition).catch((error: unknown) => (state.failure = error));
    if (partition.hasEnded) open.delete(partition);
    onChange();
  };
  return {
    hasEnded: () => open.size === 0 && state.next >= partitions.length,
    left() {
      let left = 0;
      for (const partition of open) left += leftIn(partition);
      for (let index = state.next; index < partitions.length; index++) left += partitions[index]?.size ?? Infinity;
      return left;
    },
    takeNow(engine) {
      if (state.failure !== null) throw state.failure;
      const partition = partitionOf(engine);
      const item = partition?.batch[partition.index];
      if (partition === null || item === undefined) return null;
      partition.index++;
      partition.taken++;
      return item;
    },
    start(engine) {
      const partition = partitionOf(engine);
      if (partition === null || partition.isReading || partition.index < partition.batch.length) return;
      void read(partition);
    },
  };
}

async function readBatch(partition: OpenPartition): Promise<void> {
  partition.isReading = true;
  try {
    const { value, done } = await partition.items.next();
    Object.assign(partition, { batch: done === true ? [] : value, index: 0, hasEnded: done === true });
  } finally {
    partition.isReading = false;
  }
}

function largest(open: ReadonlySet<OpenPartition>): OpenPartition | null {
  let found: OpenPartition | null = null;
  for (const partition of open) if (found === null || leftIn(partition) > leftIn(found)) found = partition;
  return found;
}

const leftIn = ({ size, taken }: OpenPartition): number => (size === null ? Infinity : size - taken);
