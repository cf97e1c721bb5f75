import { Command } from 'commander';
import type { BackendDefinition } from '../../core/backend.ts';
import type { GivenFlag } from '../../text/command-line.ts';
import { isSecretOption } from '../../text/secret-name.ts';
import { addRequestFlags } from './run-flags.ts';

/**
 * Notes the flags of a command as they are typed, so that a message can propose another command with the same ones. A
 * secret is left out. To be called when the command has all its flags.
 */
export function noteFlags(command: Command, backends: readonly BackendDefinition[]): () => GivenFlag[] {
  const ofRequests = new Set(addRequestFlags(new Command(), backends).options.map(({ long }) => long));
  const given: GivenFlag[] = [];
  for (const option of command.options) {
    const name = option.long ?? option.flags;
    command.on(`option:${option.name()}`, (value: string | null | undefined) => {
      const isOfRequests = ofRequests.has(name);
      if (!holdsSecret(value ?? '')) given.push({ name, words: wordsOf(name, value ?? null), isOfRequests });
    });
  }
  return () => given;
}

/** A value that begins with a dash would be taken for a flag. */
function wordsOf(name: string, value: string | null): string[] {
  if (value === null) return [name];
  return value.startsWith('-') ? [`${name}=${value}`] : [name, value];
}

/** `key=value` of a backend's option, or an address with a password in it. */
function holdsSecret(value: string): boolean {
  const at = value.indexOf('=');
  return (at > 0 && isSecretOption(value.slice(0, at), value.slice(at + 1))) || /^\w+:\/\/[^/]*@/.test(value);
}
