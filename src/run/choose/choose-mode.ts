import { formatInteger, formatPercent } from '../../text/format.ts';
import type { PromptGroups } from '../read-input.ts';
import type { AnswerSettings } from '../../core/settings.ts';

export interface ModeChoice {
  name: 'independent' | 'conversation';
  /** One sentence for the user. */
  reason: string;
  warning: string | null;
}

export function chooseMode(asked: AnswerSettings['mode'], found: PromptGroups): ModeChoice {
  if (asked === 'conversation') {
    return {
      name: 'conversation',
      reason: `as asked for; ${describe(found)}${found.groups > 1 ? '; a history for each' : ''}`,
      warning: 'in a conversation each answer can be influenced by the ones before it',
    };
  }
  const why =
    asked === 'independent'
      ? 'as asked for'
      : 'cheaper than one long conversation, and no answer can see another request';
  return { name: 'independent', reason: `${describe(found)}; ${why}`, warning: null };
}

function describe({ requests, groups, largest, systemPromptLength, isComplete }: PromptGroups): string {
  if (!isComplete) return 'the input is still being read';
  if (requests === 0) return 'no requests';
  if (requests === 1) return 'a single request';
  if (groups === 1 && systemPromptLength === 0) return 'no request has a system prompt';
  if (groups === 1) return `all ${formatInteger(requests)} requests share one system prompt`;
  if (groups === requests) return `${formatInteger(requests)} requests, each with its own system prompt`;
  const share = `${formatInteger(largest)} requests, ${formatPercent(largest / requests)}`;
  return `${formatInteger(groups)} system prompts, the largest shared by ${share}`;
}
