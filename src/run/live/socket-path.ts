import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { realPathOf } from '../../files/real-path.ts';
import { stateFolder } from '../../journal/manifest/run-folder.ts';

/** The folder of the sockets of this user's live runs. */
export const socketFolder = (environment: NodeJS.ProcessEnv): string => join(stateFolder(environment), 'sockets');

/** Path of the socket of the run that writes this output. */
export function socketPathOf(output: string, environment: NodeJS.ProcessEnv): string {
  const name = createHash('sha256').update(realPathOf(output)).digest('hex').slice(0, 16);
  return join(socketFolder(environment), `${name}.sock`);
}
