// Writes the files of a batch again and again, until it is killed: `write-again.mjs FOLDER BATCH SETTINGS`.
import { readFile } from 'node:fs/promises';
import { writeBatchFiles } from '../../../dist/serve/batches/write-files.js';
import { openStore } from '../../../dist/serve/store/open-store.js';

const [folder, id, settingsPath] = process.argv.slice(2);
const settings = JSON.parse(await readFile(settingsPath, 'utf8'));
const store = await openStore(folder, ({ text }) => console.error(text));
const { signal } = new AbortController();
for (;;) {
  await writeBatchFiles(id, { store, settings, signal });
  process.send('written');
}
