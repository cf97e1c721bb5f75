/**
 * Makes a picture of a terminal, as an SVG on stdout, from the screen on stdin that `tmux capture-pane -e -p` prints.
 * The picture of the README: `tmux capture-pane -e -p | node scripts/terminal-picture.mjs > docs/terminal.svg`.
 */
import { text } from 'node:stream/consumers';

const background = '#1b1f24';
const foreground = '#d5dbe1';
/** The colours of SGR codes. Dimmed text is SGR 2. */
const colours = { 2: '#6b7683', 31: '#f47067', 32: '#57ab5a', 33: '#c69026', 36: '#39c5cf', 90: '#6b7683' };
const [characterWidth, lineHeight, margin] = [8, 18, 16];
const escapes = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

// oxlint-disable-next-line no-control-regex
const sgr = /\u001b\[([\d;]*)m/;

/** The runs of one colour in a line: `[colour, text]`. */
function runsOf(line) {
  const [first, ...rest] = line.split(sgr);
  const runs = [[foreground, first]];
  for (let index = 0; index < rest.length; index += 2) {
    const codes = rest[index].split(';').map(Number);
    const colour = codes.map((code) => colours[code]).findLast((known) => known !== undefined);
    runs.push([colour ?? foreground, rest[index + 1]]);
  }
  return runs.filter(([, run]) => run !== '');
}

const escape = (run) => run.replaceAll(/[&<>]/g, (sign) => escapes[sign]);

function lineSvg(line, index) {
  const y = margin + (index + 1) * lineHeight - 5;
  let column = 0;
  const spans = runsOf(line).map(([colour, run]) => {
    const x = margin + column * characterWidth;
    column += run.length;
    const width = run.length * characterWidth;
    return `<tspan x="${x}" fill="${colour}" textLength="${width}" lengthAdjust="spacingAndGlyphs">${escape(run)}</tspan>`;
  });
  return `<text y="${y}" xml:space="preserve">${spans.join('')}</text>`;
}

const lines = (await text(process.stdin)).trimEnd().split('\n');
// oxlint-disable-next-line no-control-regex
const columns = Math.max(...lines.map((line) => line.replaceAll(/\u001b\[[\d;]*m/g, '').length));
const [width, height] = [2 * margin + columns * characterWidth, 2 * margin + lines.length * lineHeight];

console.log(
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`,
    ` font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13">`,
    `\n<rect width="${width}" height="${height}" rx="8" fill="${background}"/>\n`,
    lines.map((line, index) => lineSvg(line, index)).join('\n'),
    '\n</svg>',
  ].join(''),
);
