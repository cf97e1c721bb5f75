// CPU seconds of processes between two times (Linux: /proc).
import { readFileSync, readdirSync } from 'node:fs';

/** Time between two looks. What was used between two of them is taken as used evenly. */
const lookMs = 50;

/** Looks at the processes that `pids` names until `stop`, which returns `between(from, to)` of two times in milliseconds. */
export function watchCpu(pids) {
  const looks = [];
  const look = () => looks.push({ at: Date.now(), seconds: pids().reduce((sum, pid) => sum + cpuSeconds(pid), 0) });
  look();
  const timer = setInterval(look, lookMs);
  const usedAt = (time) => {
    const next = looks.findIndex(({ at }) => at >= time);
    if (next <= 0) return (next === 0 ? looks[0] : looks.at(-1)).seconds;
    const [before, after] = [looks[next - 1], looks[next]];
    // A process that has ended takes its seconds along.
    const used = Math.max(0, after.seconds - before.seconds);
    return before.seconds + (used * (time - before.at)) / (after.at - before.at);
  };
  return {
    stop() {
      clearInterval(timer);
      return { between: (from, to) => usedAt(to) - usedAt(from) };
    },
  };
}

/** User and system time of a process, of all its threads: fields 14 and 15 of proc(5)'s stat, in hundredths. */
function cpuSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** The processes that one has started, and those that they have. */
export function descendantsOf(pid) {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendantsOf)];
}

/** The processes that one has started. */
export function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
    );
  } catch {
    return [];
  }
}
