import type { Connection, ConnectionFlag } from '../../../core/connection.ts';
import { UsageError } from '../../../core/errors.ts';
import { isRecord } from '../../../data/is-record.ts';
import { describeJsonMistake } from '../../../text/json-mistake.ts';
import { nearest } from '../../../text/nearest.ts';
import { isSecretName } from '../../../text/secret-name.ts';
import { snakeKeys } from '../../../text/snake-keys.ts';
import { readTextFile } from '../read-text.ts';

/** A flag that names a server, and the name of its value. */
type ServerFlag = ConnectionFlag & { name: string };

/** A server as a line of the file names it. */
export interface FileServer {
  /** Number of the line, from 1. */
  line: number;
  flag: string;
  connection: Connection;
}

/** The keys that name a server in the file: the flags in snake_case. */
export const serverKeys = (flags: readonly ServerFlag[]): string[] =>
  flags.map(({ name }) => Object.keys(snakeKeys({ [name]: null }) as object)[0] ?? name);

const keyOfVariable = 'api_key_env';

/**
 * Reads `--servers FILE`. It is strict, since a server that is left out in silence is found out late. No message repeats a
 * value that could be a key.
 */
export async function readServers(
  path: string,
  flags: readonly ServerFlag[],
  environment: NodeJS.ProcessEnv,
): Promise<FileServer[]> {
  const lines = (await readTextFile('--servers', path)).split('\n');
  const servers: FileServer[] = [];
  for (const [index, text] of lines.entries()) {
    if (text.trim() === '') continue;
    const refuse: Refuse = (problem, hint) => new UsageError(`--servers: ${path}: line ${index + 1}: ${problem}`, hint);
    const { flag, value, variable } = readLine(await parseLine(text, refuse), flags, refuse);
    const [first] = servers;
    if (first !== undefined && first.flag !== flag)
      throw refuse(`it names a server of another kind than line ${first.line}, but a run has only one backend`);
    if (variable !== null) checkVariable(variable, environment, refuse);
    const connection = { [flag]: value, ...(variable !== null && { apiKeyEnv: variable }) };
    servers.push({ line: index + 1, flag, connection });
  }
  return servers;
}

type Refuse = (problem: string, hint?: string) => UsageError;

async function parseLine(text: string, refuse: Refuse): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const mistake = (await describeJsonMistake(text)).replace(/\(line 1, (?=column \d+\)$)/, '(');
    throw refuse(`it is not JSON: ${mistake}`, 'Each line must be one complete object.');
  }
}

interface ServerLine {
  flag: string;
  value: unknown;
  /** Name of the variable that holds the key; null where none is named. */
  variable: unknown;
}

function readLine(line: unknown, flags: readonly ServerFlag[], refuse: Refuse): ServerLine {
  const keys = serverKeys(flags);
  const form = `Write, for instance: {"${keys.at(-1)}": "http://127.0.0.1:8000"}`;
  if (!isRecord(line)) throw refuse('it is not an object', form);
  for (const key of Object.keys(line)) if (!keys.includes(key)) checkOtherKey(key, keys, refuse);
  const given = flags.flatMap((flag, index) => {
    const { [keys[index] ?? '']: value } = line;
    return value === undefined ? [] : [{ flag, key: keys[index], value }];
  });
  const [server] = given;
  if (server === undefined) throw refuse('it names no server', form);
  if (given.length > 1) throw refuse(`it names two servers: ${given.map(({ key }) => key).join(' and ')}`);
  if (typeof server.value !== 'string') throw refuse(`its "${server.key}" is not a text`);
  return {
    flag: server.flag.name,
    value: parseAddress(server.flag, server.value, refuse),
    variable: line[keyOfVariable] ?? null,
  };
}

/** A key in the file itself is refused: whoever may read the file would have it. */
function checkOtherKey(key: string, keys: readonly string[], refuse: Refuse): void {
  if (key === keyOfVariable) return;
  if (isSecretName(key) || /^api_?key/i.test(key))
    throw refuse(
      `"${key}" would be a key in a file`,
      `Name the variable with the key instead: "${keyOfVariable}": "DESKTOP_KEY"`,
    );
  const all = [...keys, keyOfVariable];
  const near = nearest(key, all);
  throw refuse(
    `it has an unknown key: "${key}"`,
    near === null ? `There are: ${all.join(', ')}.` : `Did you mean ${near}?`,
  );
}

function parseAddress({ parse }: ServerFlag, value: string, refuse: Refuse): unknown {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof UsageError) throw refuse(error.message, error.hint);
    throw error;
  }
}

/** Whoever mistakes the name for the key itself must not find the key in a message. */
function checkVariable(name: unknown, environment: NodeJS.ProcessEnv, refuse: Refuse): void {
  if (typeof name !== 'string' || !/^[a-z_]\w*$/i.test(name))
    throw refuse(`its "${keyOfVariable}" is not the name of a variable`, 'Do not write the key itself into the file.');
  if ((environment[name] ?? '') === '')
    throw refuse(
      `the variable that its "${keyOfVariable}" names is not set`,
      'Set it first: export NAME=... Do not write the key itself into the file.',
    );
}
