import { UsageError } from '../../core/errors.ts';
import type { ModelRoute } from '../serve-options.ts';

/**
 * The name of the backend for a batch: that of the first route that fits its models, else the one of `-b`. Throws a
 * `UsageError` where its models are for different ones: a run has one.
 */
export function chooseRoute(models: readonly string[], routes: readonly ModelRoute[], backend: string): string {
  const byModel = models.map((model) => ({ model, name: routeOf(model, routes) ?? backend }));
  const [first] = byModel;
  const other = byModel.find(({ name }) => name !== first?.name);
  if (first === undefined || other === undefined) return first?.name ?? backend;
  throw new UsageError(
    `its models are for different engines: ${first.model} for ${first.name}, ${other.model} for ${other.name}`,
    'Create a separate batch for each of them.',
  );
}

const routeOf = (model: string, routes: readonly ModelRoute[]): string | null =>
  routes.find(({ glob }) => fits(glob, model))?.backend ?? null;

/** `*` is any text, `?` one character; everything else is itself. */
function fits(glob: string, model: string): boolean {
  const pattern = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${pattern}$`, 's').test(model);
}
