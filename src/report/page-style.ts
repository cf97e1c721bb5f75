import { pageColours } from '../text/page-colours.ts';

/** CSS of a page: one column on a phone, two where there is room, light or dark as the reader's system is. */
export const pageStyle = `${pageColours}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.35rem; line-height: 1.25; margin: .25rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
main { display: grid; gap: 1rem; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; background: var(--card); }
.wide-part { grid-column: 1 / -1; }
.word { white-space: nowrap; }
p { margin: 0 0 .6rem; max-width: 60rem; overflow-wrap: anywhere; }
.charts { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 30rem), 1fr)); }
.charts.many { grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); gap: 1rem; }
.charts + .scroll { margin-top: 1rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; font-size: .95rem; margin-bottom: .35rem; overflow-wrap: anywhere; }
figure p { margin: .5rem 0; font-size: .9rem; color: var(--soft); }
figure.small figcaption, figure.small p { font-size: .85rem; }
figure.small div svg { width: 100%; max-width: 22rem; }
figure svg { display: block; max-width: 100%; height: auto; }
figure.whole { grid-column: 1 / -1; }
.narrow { display: none; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: 0 0 .35rem; padding: 0; font-size: .85rem; }
.legend li { overflow-wrap: anywhere; }
.legend svg { display: inline-block; margin-right: .35rem; vertical-align: middle; }
.scroll { overflow-x: auto; background: linear-gradient(to right, var(--card) 40%, transparent) left / 3rem 100% no-repeat local, linear-gradient(to left, var(--card) 40%, transparent) right / 3rem 100% no-repeat local, linear-gradient(to right, var(--line), transparent) left / 1rem 100% no-repeat scroll, linear-gradient(to left, var(--line), transparent) right / 1rem 100% no-repeat scroll; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-variant-numeric: tabular-nums; }
figure table { font-size: .85rem; }
th, td { padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; text-align: left; }
tr:last-child > * { border-bottom: 0; }
thead th { border-bottom: 1px solid var(--line) !important; color: var(--soft); }
th { font-weight: 500; }
.table td, .table thead th + th { text-align: right; white-space: nowrap; }
.table :is(td, th).text { text-align: left; white-space: normal; overflow-wrap: break-word; min-width: 6rem; max-width: 32rem; padding-left: 1rem; }
.pairs th { white-space: nowrap; color: var(--soft); }
.pairs td, .table tbody th { overflow-wrap: anywhere; }
.table tbody th { min-width: 8rem; }
.table :is(td, th):last-child { padding-right: 0; }
@media (max-width: 540px) {
  body { padding: .75rem; }
  section { padding: .75rem; }
  .wide, .full { display: none; }
  table { font-size: .9rem; }
  .table tbody th { min-width: 6.6rem; }
  .table :is(td, th).text { overflow-wrap: anywhere; min-width: 5.6rem; padding-left: .4rem; }
  th, td { padding-right: .6rem; }
  .table tbody th { position: sticky; left: 0; max-width: 9rem; background: var(--card); }
  .pairs th { white-space: normal; overflow-wrap: anywhere; min-width: 6rem; max-width: 9rem; }
  .narrow { display: block; }
}
@media print { section { break-inside: avoid; } }
`;
