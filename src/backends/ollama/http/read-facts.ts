import { isRecord } from '../../../data/is-record.ts';
import type { StoredModel, RunningModel, ShownModel } from './wire.ts';

type Checks = Record<string, (value: unknown) => boolean>;

const isText = (value: unknown): boolean => typeof value === 'string';
const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);

const detailChecks: Checks = {
  family: isText,
  parameter_size: isText,
  quantization_level: isText,
  format: isText,
  context_length: isSize,
};
const modelChecks: Checks = {
  name: isText,
  digest: isText,
  size: isSize,
  size_vram: isSize,
  context_length: isSize,
  capabilities: isTexts,
  remote_host: isText,
};
const shownChecks: Checks = {
  template: isText,
  modelfile: isText,
  parameters: isText,
  capabilities: isTexts,
  model_info: isRecord,
};

/** Fields of the types that they should have; another server's, or another version's, are left out. */
function fieldsOf(value: Record<string, unknown>, checks: Checks): Record<string, unknown> {
  const fields = Object.entries(value).filter(([name, field]) => Object.hasOwn(checks, name) && checks[name]!(field));
  const { details } = value;
  return { ...Object.fromEntries(fields), ...(isRecord(details) ? { details: fieldsOf(details, detailChecks) } : {}) };
}

/** The models of `/api/tags` or `/api/ps`. Where there are none, older servers say null. */
export function readModels<Model extends StoredModel | RunningModel>(answer: unknown): Model[] {
  const models: unknown = isRecord(answer) ? answer['models'] : null;
  const records = Array.isArray(models) ? models.filter(isRecord) : [];
  const named = records.map((model) => fieldsOf(model, modelChecks)).filter(({ name }) => name !== undefined);
  return named.map((model) => ({ digest: '', size: 0, size_vram: 0, ...model })) as unknown as Model[];
}

export const readShown = (answer: unknown): ShownModel => (isRecord(answer) ? fieldsOf(answer, shownChecks) : {});
