import { parentPort } from 'node:worker_threads';
import { type CheckReply, type CheckTask, runCheck } from './run-check.ts';

/** Works off the checks that the program hands to this thread, in their order. */
parentPort?.on('message', (task: CheckTask) => {
  const reply: CheckReply = runCheck(task);
  parentPort?.postMessage(reply, []);
});
parentPort?.postMessage('ready', []);
