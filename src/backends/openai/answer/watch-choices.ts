import type { Failure } from '../../../core/completion.ts';
import type { RequestBody } from '../../../core/request.ts';
import { isRecord } from '../../../data/is-record.ts';
import { createRunAwayWatch } from '../../request/run-away.ts';
import { withTextContent } from './content-parts.ts';

type Fields = Record<string, unknown>;

/**
 * Watches each answer of a stream, of which `n` asks for several; to be called with each event. Returns the failure of the
 * first that repeats itself without end. `isAllowed`: none ever does.
 */
export function watchChoices(body: RequestBody, isAllowed: boolean): (event: Fields) => Failure | null {
  const watches = new Map<unknown, ReturnType<typeof createRunAwayWatch>>();
  const watchOf = (index: unknown): ReturnType<typeof createRunAwayWatch> => {
    const watch = watches.get(index) ?? createRunAwayWatch(body, isAllowed);
    watches.set(index, watch);
    return watch;
  };
  return ({ choices }) => {
    for (const choice of Array.isArray(choices) ? choices.filter(isRecord) : []) {
      const runAway = watchOf(choice['index'] ?? 0)(saidIn(choice));
      if (runAway !== null) return runAway;
    }
    return null;
  };
}

/** What the model says in a part of a choice: text, thinking, arguments of calls. */
function saidIn({ delta, text }: Fields): string {
  if (!isRecord(delta)) return typeof text === 'string' ? text : '';
  const { role: _role, tool_calls: calls, ...said } = withTextContent(delta);
  return [...Object.values(said), ...(Array.isArray(calls) ? calls.map(argumentsOf) : [])].filter(isText).join('');
}

const isText = (value: unknown): value is string => typeof value === 'string';

const argumentsOf = (call: unknown): unknown =>
  isRecord(call) && isRecord(call['function']) ? call['function']['arguments'] : '';
