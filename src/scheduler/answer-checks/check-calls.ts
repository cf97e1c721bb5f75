import type { Choice, ResponseBody } from '../../core/completion.ts';
import { shorten } from '../../text/format.ts';
import { isRecord } from '../../data/is-record.ts';
import type { RequestBody } from '../../core/request.ts';
import { type Problem, notHonoured, type ToolCall, callsOf } from './answer-parts.ts';

/** Are the calls of tools those that the request asked for, and can they be carried out? */
export function callsProblem({ choices = [] }: ResponseBody, body: RequestBody): Problem | null {
  const wanted = wantedCall(body);
  const tools = toolsOf(body);
  for (const choice of choices) {
    const calls = callsOf(choice);
    const message = missingCall(choice, calls, wanted) ?? oddCall(calls, tools, body);
    if (message !== null) return notHonoured(message, choice);
  }
  return null;
}

/** Reads `tool_choice`: any call, none, or the tool of a name; null leaves it to the model. */
type Wanted = 'any' | 'none' | { name: string } | null;

function wantedCall({ tool_choice: choice, function_call: call }: RequestBody): Wanted {
  const asked = choice ?? call;
  if (asked === 'required' || asked === 'any') return 'any';
  if (asked === 'none') return 'none';
  if (!isRecord(asked)) return null;
  const { allowed_tools: allowed } = asked;
  if (isRecord(allowed)) return allowed['mode'] === 'required' ? 'any' : null;
  const name = nameOf(asked);
  return typeof name === 'string' ? { name } : null;
}

/** Name of a tool, or of the tool that a choice names. */
const nameOf = ({ function: named, custom, name }: Record<string, unknown>): unknown =>
  isRecord(named) ? named['name'] : isRecord(custom) ? custom['name'] : name;

function missingCall({ finish_reason: reason }: Choice, calls: ToolCall[], wanted: Wanted): string | null {
  if (wanted !== null && typeof wanted === 'object') {
    const isThere = calls.some(({ name }) => name === wanted.name);
    return isThere ? null : `\`tool_choice\` asks for a call of ${shorten(wanted.name)}, and the answer has none`;
  }
  if (calls.length > 0)
    return wanted === 'none' ? '`tool_choice` allows no call of a tool, and the answer has one' : null;
  if (wanted === 'any') return '`tool_choice` asks for the call of a tool, and the answer has none';
  const endsAsCall = reason === 'tool_calls' || reason === 'function_call';
  return endsAsCall ? 'the answer ends as the call of a tool, and has none' : null;
}

/** The names of what may be called; null where it holds tools without a name, which the server calls itself. */
function toolsOf({ tools, functions }: RequestBody): Set<string> | null {
  const offered = [tools, functions].filter(Array.isArray).flat() as unknown[];
  const names = offered.map((tool) => (isRecord(tool) ? nameOf(tool) : undefined));
  return names.every((name) => typeof name === 'string') ? new Set(names) : null;
}

function oddCall(calls: ToolCall[], tools: Set<string> | null, body: RequestBody): string | null {
  for (const { name, arguments: given } of calls) {
    if (tools !== null && !tools.has(name)) return `the answer calls the tool ${shorten(name)}, which was not offered`;
    if (!areArguments(given))
      return `the answer calls ${shorten(name)} with arguments that are not a JSON object: ${shorten(given)}`;
  }
  return body['parallel_tool_calls'] === false && calls.length > 1
    ? `\`parallel_tool_calls\` allows one call, and the answer has ${calls.length}`
    : null;
}

/** A tool without parameters is called with nothing. */
function areArguments(given: unknown): boolean {
  if (given === undefined || given === null || given === '' || isRecord(given)) return true;
  if (typeof given !== 'string') return false;
  try {
    return isRecord(JSON.parse(given));
  } catch {
    return false;
  }
}
