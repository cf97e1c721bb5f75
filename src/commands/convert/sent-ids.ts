import { hash } from 'node:crypto';

const keptCharacters = 40;
const hashDigits = 16;

/**
 * The id that a request has at a service: its own where the service takes it, else the letters of it that every service
 * takes, behind which 16 digits of its SHA-256 keep it apart from all others.
 */
export function sentIdOf(id: string, pattern: RegExp): string {
  if (pattern.test(id)) return id;
  const plain = id.replaceAll(/[^a-zA-Z0-9_-]+/g, '-').slice(0, keptCharacters);
  return `${plain}-${hash('sha256', id, 'hex').slice(0, hashDigits)}`;
}
