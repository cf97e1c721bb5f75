import { type Command, Help, Option } from 'commander';
import { flagGroups, mainFlags, otherFlags } from './flag-groups.ts';

const headings = new Map(flagGroups.flatMap(([heading, flags]) => flags.map((flag) => [flag, heading] as const)));
const order = [...headings.keys()];

/**
 * Puts the flags of each command with many into groups, of which its `--help` shows the main flags and `--help-all` all.
 * The other commands take `--help-all` too, for whoever types it. To be called when all commands have their flags.
 */
export function arrangeHelp(program: Command): void {
  program.helpOption('-h, --help', 'this help').configureHelp({ optionDescription });
  for (const command of program.commands) {
    const main = mainFlags[command.name()];
    const all = new Option('--help-all', `all ${command.options.length} flags`);
    command.helpOption('-h, --help', main === undefined ? 'this help' : 'the main flags');
    command.addOption(main === undefined ? all.hideHelp() : all).configureHelp({ optionDescription });
    if (main !== undefined) groupFlags(command, new Set([...main, 'help-all', 'help']));
    command.on('option:help-all', () => command.help());
  }
}

function groupFlags(command: Command, main: ReadonlySet<string>): void {
  let isShown = (option: Option): boolean => main.has(option.name());
  command.on('option:help-all', () => (isShown = () => true));
  command.configureHelp({
    optionDescription,
    visibleOptions(of) {
      const visible = new Help().visibleOptions(of).filter(isShown);
      for (const option of visible) option.helpGroup(headings.get(option.name()) ?? otherFlags);
      return visible.toSorted((left, right) => placeOf(left) - placeOf(right));
    },
    // Commander would order the groups by when their flags were added.
    groupItems: (_unsorted, visible, getGroup) => new Help().groupItems([], visible, getGroup),
  });
}

/** What a flag is when it is not given needs no word where that is nothing. */
const optionDescription = (option: Option): string =>
  new Help().optionDescription(option).replace(/ ?\(default: (?:false|\[\]|\{\})\)$/, '');

/** Place of a flag in the help; those that the table does not name come last. */
function placeOf(option: Option): number {
  const place = order.indexOf(option.name());
  return place === -1 ? order.length : place;
}
