/** One column on a phone, two where there is room; light or dark as the reader has it. */
export const pageStyle = `
:root { color-scheme: light dark; --line: #8884; --soft: #8889; --bar: #0a84c6; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 72rem; font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .5rem; }
main { display: grid; gap: 1rem; align-items: start; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; }
section.chart, section:last-child { grid-column: 1 / -1; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .75rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; text-align: left; }
tr:last-child > * { border-bottom: 0; }
th { font-weight: 500; }
.table td, .table thead th + th { text-align: right; white-space: nowrap; }
.pairs th { white-space: nowrap; color: var(--soft); color: light-dark(#555, #aaa); }
.pairs td, .table tbody th { overflow-wrap: anywhere; }
.table tbody th { min-width: 6.5rem; }
.table :is(td, th):last-child { padding-right: 0; }
svg { width: 100%; height: 7.5rem; display: block; fill: var(--bar); }
p { margin: .5rem 0 0; font-size: .85rem; }
`;
