import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { realPathOf } from '../../files/real-path.ts';
import { stateFolder } from '../../journal/manifest/run-folder.ts';

/** Systems cut the path of a socket behind about so many bytes. */
const maxBytes = 100;
const nameBytes = '/0123456789abcdef.sock'.length;

/** The folder of the sockets of this user's live runs: in the state folder, or where its path is too long in the system's own. */
export function socketFolder(environment: NodeJS.ProcessEnv): string {
  const folder = join(stateFolder(environment), 'sockets');
  if (Buffer.byteLength(folder) + nameBytes <= maxBytes) return folder;
  return join('/tmp', `llmbatch-sockets-${userInfo().uid}`);
}

/** Path of the socket of the run that writes this output. */
export function socketPathOf(output: string, environment: NodeJS.ProcessEnv): string {
  const name = createHash('sha256').update(realPathOf(output)).digest('hex').slice(0, 16);
  return join(socketFolder(environment), `${name}.sock`);
}
