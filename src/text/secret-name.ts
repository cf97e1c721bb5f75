import { isRecord } from '../data/is-record.ts';

const secretName = /(^|[_.-])(token|(api_?)?key|secret|password|passwd|passphrase|credentials?|bearer)$/i;
/**
 * Inside a value a name is told apart more narrowly: a model's configuration has an `eos_token`, and keys of all sorts.
 */
const innerName =
  /^((hf|auth|access|bearer|api)[_-]?)?token$|(^|[_.-])(api[_-]?key|secret|password|passwd|passphrase)$/i;

/** Says whether an option or a variable of this name holds a secret. */
export const isSecretName = (name: string): boolean => secretName.test(name);

/**
 * Says whether an option holds a secret, by its own name or by one inside its JSON. The values true and false are no
 * secrets.
 */
export function isSecretOption(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return false;
  return isSecretName(name) || holdsSecret(parsed(value));
}

function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (!isRecord(value)) return false;
  return Object.entries(value).some(
    ([name, inner]) => (typeof inner === 'string' && innerName.test(name)) || holdsSecret(inner),
  );
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
