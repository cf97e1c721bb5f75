import { pageColours } from '../../text/page-colours.ts';

/** CSS of the page of the server: of one family with the HTML reports, one column of batches, on a phone each with its parts below each other. */
export const livePageStyle = `${pageColours}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); font-variant-numeric: tabular-nums; }
header { display: flex; gap: 1rem; justify-content: space-between; align-items: flex-start; margin-bottom: 1rem; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: .25rem 0; }
h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
p { margin: 0; overflow-wrap: anywhere; }
section { border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin-bottom: 1rem; background: var(--card); }
#status, .details, dt, .below { color: var(--soft); }
.details, .below { font-size: .87rem; }
button, input { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .35rem; padding: .25rem .75rem; min-height: 2.25rem; }
button { cursor: pointer; white-space: nowrap; }
button:hover { border-color: var(--soft); }
:focus-visible { outline: 2px solid var(--s1); outline-offset: 2px; }
a { color: var(--s1); }
.alert { border-left: 3px solid var(--s2); padding: .35rem .75rem; margin-bottom: 1rem; background: var(--card); }
.stale main { opacity: .55; }

#headline { display: grid; grid-template-columns: 1fr 1.15fr 1.15fr 1.25fr 1.5fr 1fr; gap: 1px; margin: 0 0 1rem; border: 1px solid var(--line); border-radius: .5rem; overflow: hidden; background: var(--line); }
#headline > div { background: var(--card); padding: .75rem 1rem; }
dt { font-size: .87rem; }
dd { margin: 0; }
.value { font-size: 1.25rem; line-height: 1.35; white-space: nowrap; }
.below { min-height: 1.5em; }

.batches { list-style: none; margin: 0; padding: 0; }
.batch { display: grid; grid-template-columns: minmax(0, 1fr) 22rem 11rem; gap: .35rem 1.25rem; padding: .75rem 0; border-top: 1px solid var(--line); }
.batch:first-child { border-top: 0; padding-top: .25rem; }
.batch:last-child { padding-bottom: 0; }
.batch > :is(.bar, .note, .failures) { grid-column: 1 / -1; }
.state { font-weight: 600; }
.batch[data-state=running] .state { color: var(--s1); }
.batch[data-state=completed] .state { color: var(--s3); }
.batch:is([data-state=failed], [data-state=expired]) .state { color: var(--s2); }
.actions { display: flex; flex-wrap: wrap; gap: .35rem .75rem; justify-content: flex-end; align-items: flex-start; }
.bar { display: flex; height: .5rem; border-radius: .25rem; overflow: hidden; background: var(--line); }
.succeeded { background: var(--s1); }
.bar .failed { background: var(--s2); }
.note { color: var(--s2); }
.failures ul { list-style: none; margin: .25rem 0 0; padding: 0; }
.failures li { display: grid; grid-template-columns: 13rem minmax(0, 1fr); gap: 0 1rem; padding: .25rem 0; }
.failures li > :nth-child(n+2) { grid-column: 2; overflow-wrap: anywhere; }
.failures strong { grid-row: 1 / span 2; font-weight: 500; overflow-wrap: anywhere; }
summary { cursor: pointer; width: fit-content; }
nav { display: flex; gap: 1rem; align-items: center; justify-content: center; margin-top: 1rem; }
pre { margin: .35rem 0 1rem; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .35rem; background: var(--paper); font-size: .87rem; }
dialog { max-width: 30rem; width: calc(100% - 2rem); border: 1px solid var(--line); border-radius: .5rem; padding: 1.25rem; color: inherit; background: var(--card); }
dialog::backdrop { background: rgb(0 0 0 / .45); }
.choices { display: flex; flex-wrap: wrap; gap: .75rem; justify-content: flex-end; margin-top: 1rem; }
.danger { border-color: var(--s2); color: var(--s2); }
#login { max-width: 34rem; }
#login p { margin-bottom: .75rem; }
#key { width: 16rem; max-width: 100%; }
@media (max-width: 1100px) { #headline { grid-template-columns: repeat(3, 1fr); } }
@media (max-width: 720px) {
  body { padding: .75rem; }
  section { padding: .75rem; }
  .batch { grid-template-columns: minmax(0, 1fr); }
  .actions { justify-content: flex-start; }
  .actions a { padding: .35rem 0; }
  #headline { grid-template-columns: 1fr 1fr; }
  #headline > div { padding: .5rem .75rem; }
  .value { font-size: 1.15rem; white-space: normal; }
  dt, .below { font-size: .8rem; }
  .failures li { grid-template-columns: minmax(0, 1fr); }
  .failures strong { grid-row: auto; }
  .failures li > :nth-child(n+2) { grid-column: 1; }
}
`;
