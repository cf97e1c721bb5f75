import type { EnginePlace } from '../../core/backend.ts';
import { askModels } from './ask-models.ts';
import { namedBaseUrl, openaiPlace } from './base-url.ts';
import { createClient } from './client.ts';
import { isListed } from './list-models.ts';

const lookMs = 5000;

/** Is there a server that lists the model, or takes any? Only one that is named. */
export async function servesModel(model: string, place: EnginePlace): Promise<boolean> {
  if (namedBaseUrl(place) === null) return false;
  const client = createClient(openaiPlace(place), 1);
  const answer = await askModels(client, AbortSignal.timeout(lookMs)).catch(() => null);
  await client.close();
  if (answer === null || !('found' in answer)) return false;
  return answer.found === null || isListed(answer.found.models, model);
}
