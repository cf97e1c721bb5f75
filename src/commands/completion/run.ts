import type { Command } from 'commander';
import { writeStdout } from '../shared/write-stdout.ts';
import { bashScript } from './bash.ts';
import { describeCommands } from './describe-commands.ts';
import { fishScript } from './fish.ts';
import { zshScript } from './zsh.ts';

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };

export type Shell = keyof typeof scripts;

/** `llmbatch completion`. `engines`: the words that `-b` takes. */
export const printCompletion = (shell: Shell, program: Command, engines: readonly string[]): Promise<boolean> =>
  writeStdout(scripts[shell](describeCommands(program, engines)));
