import type { RequestBody } from '../../../core/request.ts';
import { thinkingOf } from '../../../core/thinking.ts';
import { refuse } from '../../request/refuse.ts';
import { type ModelFacts, alwaysThinks } from '../model/model-facts.ts';

/**
 * Throws, by name, where the model can't think as a body asks for: the server takes a level of a model that has none as a
 * mere yes, and a no of one that always thinks as nothing, both without a word.
 */
export function checkThinking(body: RequestBody, facts: ModelFacts): void {
  const asked = thinkingOf(body);
  const { capabilities } = facts;
  const refused = (why: string): Error =>
    refuse('bad-request', `ollama can't honour \`think\`: ${JSON.stringify(asked)} for this model: ${why}.`);
  if (asked === false && alwaysThinks(facts)) throw refused('it always thinks, low, medium or high');
  if (asked === null || asked === false) return;
  if (typeof asked === 'number')
    throw refused('it cannot limit thinking to a number of tokens (use --think on or off)');
  // Older servers do not tell what a model can do.
  if (capabilities.length > 0 && !capabilities.includes('thinking'))
    throw refused('it does not think (ollama show names its capabilities)');
  if (typeof asked === 'string' && !facts.hasThinkingLevels)
    throw refused('its template knows no levels, only true and false (--think on, off)');
}
