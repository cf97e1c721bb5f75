import { createHash, randomUUID } from 'node:crypto';
import { link, lstat, lutimes, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalError, codeOf, systemReason } from '../core/errors.ts';
import { formatLocalTime, quoteForShell } from '../text/format.ts';
import { type ProcessIdentity, identifyThisProcess, livenessOf } from '../machine/process-identity.ts';
import { isDiskFull, toJournalError } from '../files/write-group.ts';

/** The right to write an output, kept as a small file beside it. */
export interface Lock {
  /** Throws a `JournalError` where the lock was deleted, as the message for a lock of another machine says. */
  check: () => Promise<void>;
  release: () => Promise<void>;
}

interface LockNote extends ProcessIdentity {
  /** A random text that tells this lock from any other. */
  token: string;
  since: string;
}

/** Time between two touches of a lock by its owner, in milliseconds. */
const heartbeatMs = 1000;
/** An owner whose processes can't be seen from here counts as dead after this long without a touch. */
const silenceMs = 4000;

export const lockPathOf = (outputPath: string): string => `${outputPath}.lock`;

/** How messages speak of a lock, where it is not that of a run's output. */
export interface LockWords {
  /** What a live owner does: `/data/x.jsonl is being written`. */
  taken: string;
  /** What to do while it does. */
  wait: string;
  /** What to do where the place can't be locked at all. */
  elsewhere: string;
}

/**
 * Takes the lock of an output, or of whatever else has a path. Throws a `JournalError` where a live process has it, or where it
 * can't be made.
 */
export async function acquireLock(outputPath: string, words: Partial<LockWords> = {}): Promise<Lock> {
  const path = lockPathOf(outputPath);
  const note: LockNote = { ...(await identifyThisProcess()), token: randomUUID(), since: new Date().toISOString() };
  await obtain({ path, note, outputPath, words: { ...wordsOfOutput(outputPath), ...words } });
  const heartbeat = setInterval(() => {
    lutimes(path, new Date(), new Date()).catch(() => undefined);
  }, heartbeatMs);
  heartbeat.unref();
  const isOurs = async (): Promise<boolean> => (await tokenOf(path)) === note.token;
  return {
    async check() {
      if (!(await isOurs())) throw new JournalError(`the lock ${path} was removed by another process`);
    },
    async release() {
      clearInterval(heartbeat);
      // What can't be removed (its folder may have become read-only) is a dead owner's lock, which the next run takes.
      if (await isOurs().catch(() => false)) await rm(path, { force: true }).catch(() => undefined);
    },
  };
}

/** The wish to own a lock file: the lock of an output, or the turn to remove that lock. */
interface Claim {
  path: string;
  note: LockNote;
  outputPath: string;
  words: LockWords;
}

const wordsOfOutput = (outputPath: string): LockWords => ({
  taken: `${outputPath} is being written`,
  wait: `Wait for it, or look at it with: llmbatch status ${quoteForShell(outputPath)}`,
  elsewhere: 'Choose another place with -o.',
});

async function obtain(claim: Claim): Promise<void> {
  for (;;) {
    await tryToCreate(claim);
    const owner = await readWholeNote(claim);
    if (owner?.token === claim.note.token) return;
    if (owner !== null) await takeAway(claim, owner);
  }
}

/**
 * Creates the lock; does nothing where there is one. A link appears whole or not at all, so that no process reads half
 * a note.
 */
async function tryToCreate(claim: Claim): Promise<void> {
  const { path, note } = claim;
  const draft = `${path}.${note.token}`;
  try {
    await writeFile(draft, JSON.stringify(note), { flag: 'wx', flush: true });
    await link(draft, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST' || isDraftGone(error)) return;
    if (codeOf(error) !== 'EPERM' && codeOf(error) !== 'ENOTSUP') throw cannotLock(error, claim);
    await createWithoutLink(claim);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/**
 * Whether the draft was removed: another process got the lock meanwhile, and took the draft for one that a crash left.
 */
const isDraftGone = (error: unknown): boolean =>
  codeOf(error) === 'ENOENT' && (error as NodeJS.ErrnoException).syscall === 'link';

/** Creates the lock on file systems without hard links (exFAT, some network ones). */
async function createWithoutLink(claim: Claim): Promise<void> {
  try {
    await writeFile(claim.path, JSON.stringify(claim.note), { flag: 'wx', flush: true });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw cannotLock(error, claim);
  }
}

const cannotLock = (error: unknown, { path, outputPath, words }: Claim): JournalError =>
  isDiskFull(error)
    ? toJournalError(error, path)
    : new JournalError(`can't lock ${outputPath}: ${systemReason(error)}`, words.elsewhere, error);

/** Reads a note, several times where it is not one: `createWithoutLink` may still be writing it. */
async function readWholeNote({ path, words }: Claim): Promise<LockNote | null> {
  for (let look = 1; ; look++) {
    const note = await readNote(path);
    if (note !== 'not ours') return note;
    if (look === looks) throw notOurs(path, words);
    await sleep(pauseMs);
  }
}

const looks = 5;
const pauseMs = 100;

/** The error for a file that only has the name of a lock: it may be a user's own file, and is not removed. */
const notOurs = (path: string, { elsewhere }: LockWords): JournalError =>
  new JournalError(
    `${path} has the name of a lock, but is not a lock of llmbatch`,
    `${elsewhere.replace(/\.$/, '')}, or move that file away.`,
  );

/**
 * Reads a lock; null where there is none. A note is synced before it gets its name, so that no crash leaves half of
 * one.
 */
async function readNote(path: string): Promise<LockNote | 'not ours' | null> {
  try {
    const found = await lstat(path);
    if (!found.isFile() || found.size > maxNoteBytes) return 'not ours';
    return parseNote(await readFile(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    throw new JournalError(`can't read the lock ${path}: ${systemReason(error)}`);
  }
}

async function tokenOf(path: string): Promise<string | null> {
  const note = await readNote(path);
  return note === null || note === 'not ours' ? null : note.token;
}

const maxNoteBytes = 4096;

function parseNote(text: string): LockNote | 'not ours' {
  try {
    const note = JSON.parse(text) as Partial<LockNote> | null;
    const texts = [note?.token, note?.since, note?.machine, note?.host];
    const isNote = typeof note?.pid === 'number' && texts.every((part) => typeof part === 'string');
    return isNote ? (note as LockNote) : 'not ours';
  } catch {
    return 'not ours';
  }
}

/** Removes the lock of a dead owner; throws a `JournalError` where the owner may be alive. */
async function takeAway(claim: Claim, other: LockNote): Promise<void> {
  const { path, outputPath, words } = claim;
  const liveness = await livenessOf(other);
  if (liveness === 'alive') {
    throw new JournalError(`${words.taken} by process ${other.pid}, since ${formatLocalTime(other.since)}`, words.wait);
  }
  if (liveness === 'elsewhere') {
    throw new JournalError(
      `${outputPath} is locked by process ${other.pid} on the machine ${other.host}, since ${formatLocalTime(other.since)}`,
      `If nothing writes it there any more, delete ${path} and try again.`,
    );
  }
  if (liveness === 'unseen' && (await isTouched(path))) {
    throw new JournalError(
      `${words.taken} by process ${other.pid} of another container (${other.host}), since ${formatLocalTime(other.since)}`,
      'Wait for it, or stop it.',
    );
  }
  await remove(claim, other);
}

/**
 * Several processes may judge the same lock dead. Only one of them, whose turn is a file of its own, removes it, and
 * looks again before: else a late one would remove the lock of the first.
 */
async function remove(claim: Claim, other: LockNote): Promise<void> {
  const { path } = claim;
  const turn = `${path}.${createHash('sha256').update(other.token).digest('hex').slice(0, 16)}`;
  await obtain({ ...claim, path: turn });
  try {
    if ((await tokenOf(path)) === other.token) await rm(path, { force: true });
  } catch (error) {
    throw new JournalError(`can't remove the lock of a dead process: ${systemReason(error)}`, `Delete ${path}.`);
  } finally {
    await rm(turn, { force: true });
  }
}

async function isTouched(path: string): Promise<boolean> {
  const before = await modifiedAt(path);
  const end = performance.now() + silenceMs;
  while (performance.now() < end) {
    await sleep(heartbeatMs / 4);
    if ((await modifiedAt(path)) !== before) return true;
  }
  return false;
}

async function modifiedAt(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}

/** Whether a run is writing this output now, as far as this machine can see. */
export async function isLockedByLiveProcess(outputPath: string): Promise<boolean> {
  const note = await readNote(lockPathOf(outputPath));
  return note !== null && note !== 'not ours' && (await livenessOf(note)) !== 'dead';
}
