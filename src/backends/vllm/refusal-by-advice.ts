import { type Failure, failure } from '../../core/completion.ts';
import type { RequestBody } from '../../core/request.ts';
import { adviceFor } from '../request/body-rules.ts';

/** Keys that the engine has, or on which the worker has better advice: it knows what this version calls them. */
const ofWorker = new Set(['structured_outputs', 'guided_json', 'guided_regex', 'guided_choice', 'guided_grammar']);

/**
 * The failure of a body with a key for which there is another word, by name; null where there is none such. All other
 * keys are the worker's to judge, for they differ from version to version.
 */
export function refusalByAdvice(body: RequestBody): Failure | null {
  for (const key in body) {
    const advice = ofWorker.has(key) ? null : adviceFor(key);
    if (advice !== null) return failure('bad-request', `vllm can't honour \`${key}\`: ${advice}`);
  }
  return null;
}
