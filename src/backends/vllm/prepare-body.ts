import type { OpenRequest } from '../../core/backend.ts';
import { fittingTemplates } from '../../core/chat-templates/named-templates.ts';
import type { RequestBody } from '../../core/request.ts';
import { adviceFor, withoutNeutral } from '../request/body-rules.ts';
import { refuse } from '../request/refuse.ts';
import { templateFacts } from '../request/template-facts.ts';
import { type ThinkingEngine, withTemplateKeys } from '../request/template-keys.ts';
import type { VllmInfo } from './settings.ts';

const parser = '--option reasoning_parser=NAME (qwen3, deepseek_r1, ...)';

/** What the model's template and this engine make of thoughts. */
export function thinkingOfEngine(info: VllmInfo, { options }: Pick<OpenRequest, 'options'>): ThinkingEngine {
  const hasParser = options['reasoning_parser'] !== undefined;
  return {
    engine: 'vllm',
    template: templateFacts(info.trials),
    fitting: fittingTemplates(new Set(info.specialTexts)),
    budget: info.hasThinkingBudget
      ? { key: 'thinking_token_budget' }
      : { problem: `it limits thinking to a number of tokens only with ${parser}, and not in every version` },
    schemaAdvice: hasParser ? null : `use --think off, remove the schema, or add ${parser}`,
  };
}

/**
 * The body as the worker gets it. Throws, by name, where it has a key for which there is another word; all other keys are
 * the worker's to judge, for they differ from version to version.
 */
export function prepareBody(given: RequestBody, thinking: ThinkingEngine): RequestBody {
  const body = withTemplateKeys(withoutNeutral(given), thinking);
  for (const key in body) {
    const advice = ofWorker.has(key) ? null : adviceFor(key);
    if (advice !== null) throw refuse('bad-request', `vllm can't honour \`${key}\`: ${advice}`);
  }
  return body;
}

/** Keys that the engine has, or on which the worker has better advice: it knows what this version calls them. */
const ofWorker = new Set(
  'structured_outputs guided_json guided_regex guided_choice guided_grammar thinking_token_budget reasoning_effort'.split(
    ' ',
  ),
);
