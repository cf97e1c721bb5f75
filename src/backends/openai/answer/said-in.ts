import { isRecord } from '../../../data/is-record.ts';
import { withTextContent } from './content-parts.ts';

/** What the model says in an event of a stream: text, thinking, arguments of calls. Of several answers, in the first. */
export function saidIn({ choices }: Record<string, unknown>): string {
  const choice: unknown = Array.isArray(choices) ? choices[0] : null;
  if (!isRecord(choice) || (choice['index'] ?? 0) !== 0) return '';
  const { delta, text } = choice;
  if (!isRecord(delta)) return typeof text === 'string' ? text : '';
  const { role: _role, tool_calls: calls, ...said } = withTextContent(delta);
  return [...Object.values(said), ...(Array.isArray(calls) ? calls.map(argumentsOf) : [])].filter(isText).join('');
}

const isText = (value: unknown): value is string => typeof value === 'string';

const argumentsOf = (call: unknown): unknown =>
  isRecord(call) && isRecord(call['function']) ? call['function']['arguments'] : '';
