import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { UsageError, codeOf } from '../../core/errors.ts';
import { type LiveRequest, type LiveState, liveAnswerSchema, liveVersion } from './messages.ts';
import { socketFolder, socketPathOf } from './socket-path.ts';

/** A request without its version. */
export type LiveQuestion = LiveRequest extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'version'>
    : never
  : never;

/** A run that answers takes some milliseconds: one that takes longer, in milliseconds, hangs. */
const maxMs = 5000;

/** Asks the run that writes this output. Null where none listens. Throws a `UsageError` where it refuses. */
export const askRun = (
  output: string,
  question: LiveQuestion,
  environment: NodeJS.ProcessEnv,
): Promise<LiveState | null> => askSocket(socketPathOf(output, environment), question);

/** The runs of this user that go on. */
export async function findLiveRuns(environment: NodeJS.ProcessEnv): Promise<LiveState[]> {
  const folder = socketFolder(environment);
  const names = await readdir(folder).catch(() => []);
  const asked = await Promise.allSettled(names.map((name) => askSocket(join(folder, name), { do: 'status' })));
  const states = asked.flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? [one.value] : []));
  const failed = asked.find((one) => one.status === 'rejected');
  if (states.length === 0 && failed !== undefined) throw failed.reason;
  return states;
}

/** Who asks, as the run tells it. */
export const whoAsks = (command: string): string =>
  `llmbatch ${command} of ${userInfo().username} (process ${process.pid})`;

const busyError = (): UsageError =>
  new UsageError('the run is in progress, but too busy to answer', 'Try the same again in a moment.');

async function askSocket(path: string, question: LiveQuestion): Promise<LiveState | null> {
  for await (const line of linesOf(path, question, maxMs)) {
    const answer = liveAnswerSchema.safeParse(parseJson(line));
    if (!answer.success) throw new UsageError('the run that writes this output speaks another version of llmbatch');
    if (!answer.data.ok) throw new UsageError(answer.data.error);
    return answer.data;
  }
  return null;
}

/** The objects of progress of a live run, one each second, to its end. */
export async function* watchRun(
  output: string,
  environment: NodeJS.ProcessEnv,
): AsyncGenerator<Record<string, unknown>> {
  let isAnswer = true;
  for await (const line of linesOf(socketPathOf(output, environment), { do: 'watch' }, null)) {
    const value = parseJson(line);
    if (!isAnswer && typeof value === 'object' && value !== null) yield value as Record<string, unknown>;
    isAnswer = false;
  }
}

/** The lines that a socket answers with; none where nobody listens, and none after it broke. */
async function* linesOf(path: string, question: LiveQuestion, timeoutMs: number | null): AsyncGenerator<string> {
  const socket = connect(path).setEncoding('utf8');
  if (timeoutMs !== null) socket.setTimeout(timeoutMs, () => socket.destroy(busyError()));
  socket.write(`${JSON.stringify({ version: liveVersion, ...question })}\n`);
  let rest = '';
  try {
    for await (const chunk of socket) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
  } catch (error) {
    // Nobody listens: no such file, no permission, a socket that a dead run left; or the run was killed.
    if (error instanceof UsageError || codeOf(error) === undefined) throw error;
  } finally {
    socket.destroy();
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    return null;
  }
}
