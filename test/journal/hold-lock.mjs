// A process that takes locks as it is told: `acquire <output>` and `release`, one a line; it answers each with a line.
import { createInterface } from 'node:readline';
import { acquireLock } from '../../dist/journal/lock.js';

let lock = null;
for await (const line of createInterface({ input: process.stdin })) {
  const [command, output] = line.split('\t');
  if (command === 'release') {
    await lock?.release();
    console.log('released');
  } else {
    console.log(await take(output));
  }
}

async function take(output) {
  try {
    lock = await acquireLock(output);
    return 'acquired';
  } catch (error) {
    return `refused: ${error.message}`;
  }
}
