import { readFileSync, readdirSync } from 'node:fs';

export interface FoundProcess {
  pid: number;
  group: number;
  command: string;
}

/** The processes of the engine that a run started: all of its worker's group. */
export function engineProcesses(runner: number): FoundProcess[] {
  const all = allProcesses();
  const worker = all.find(({ parent, command }) => parent === runner && command.includes('worker.py'));
  return worker === undefined ? [] : all.filter(({ group }) => group === worker.pid);
}

/** Is the runner's engine gone within the ten seconds that are promised? `group`: of the engine when it was seen last. */
export async function untilNoProcess(runner: number, group: number): Promise<boolean> {
  for (let tenths = 0; tenths < 100; tenths++) {
    const isLeft = allProcesses().some(
      (found) => found.group === group || (found.parent === runner && found.pid !== runner),
    );
    if (!isLeft) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

/** All processes of this machine. */
export function allProcesses(): (FoundProcess & { parent: number })[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      const [, parent, group] = read(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
      const command = read(pid, 'cmdline').replaceAll('\0', ' ');
      return { pid: Number(pid), parent: Number(parent), group: Number(group), command };
    })
    .filter(({ command }) => command !== '');
}

function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
