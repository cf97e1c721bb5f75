import { readFileSync } from 'node:fs';

/** Version of llmbatch from package.json, which lies two levels above both src/files and dist/files. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
