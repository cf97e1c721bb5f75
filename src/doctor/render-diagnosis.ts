import { breakText } from '../text/break-text.ts';
import { printable } from '../text/printable.ts';
import type { Finding } from '../core/doctor/finding.ts';
import type { Diagnosis } from './diagnose.ts';

const maxColumns = 80;

/** The diagnosis for a reader, in 80 columns or those of a narrower terminal. Names and texts of servers are shown without what could steer the terminal. */
export function renderDiagnosis(
  { system, rows, findings, howToSet, verdict }: Diagnosis,
  terminalColumns: number | null = null,
): string {
  const columns = Math.min(terminalColumns ?? maxColumns, maxColumns);
  const { version, node, platform, architecture } = system.llmbatch;
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = [
    `llmbatch ${version} · Node ${node} · ${platform} ${architecture}`,
    ...rows.flatMap(([label, text]) => hang(`${label.padEnd(width)}  `, text, columns)),
  ];
  const parts = [
    lines,
    ...findings.map((finding) => renderFinding(finding, columns)),
    howToSet.map((line) => printable(line)),
    verdictLines(verdict, columns),
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')}\n`;
}

/** The verdict; a command that is too long for its line gets a line of its own. */
function verdictLines({ text, command }: Diagnosis['verdict'], columns: number): string[] {
  const shown = printable(text);
  const isCut = command !== null && shown.length > columns && text.endsWith(` ${command}`);
  return isCut ? [...breakText(printable(text.slice(0, -command.length - 1)), columns), printable(command)] : [shown];
}

const levelWidth = 'warning'.length;

/** A finding as lines; its commands stand on lines of their own, unbroken. */
function renderFinding({ level, text, fix }: Finding, columns: number): string[] {
  const [advice = '', ...commands] = fix.split('\n');
  const indent = ' '.repeat(levelWidth + 2);
  return [
    ...hang(`${level.padEnd(levelWidth)}  `, text, columns),
    ...hang(`${indent}fix: `, advice, columns),
    ...commands.map((command) => `${indent}     ${printable(command)}`),
  ];
}

/** Lines of a label, and beside it a text that is broken between words. */
function hang(label: string, text: string, columns: number): string[] {
  const lines = breakText(printable(text), columns - label.length);
  return lines.map((line, index) => `${(index === 0 ? label : '').padEnd(label.length)}${line}`.trimEnd());
}
