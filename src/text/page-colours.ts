/** Colours of all pages as variables of CSS, light or dark as the reader's system is. `--s1` to `--s6` tell series apart, also for the colour-blind. */
export const pageColours = `
:root {
  color-scheme: light dark;
  --ink: #1c1c1c; --soft: #555; --line: #d5d5d5; --paper: #fff; --card: #fff;
  --s1: #0072b2; --s2: #c84e00; --s3: #00835f; --s4: #a03f8f; --s5: #8a6d00; --s6: #4a4a4a;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #ececec; --soft: #b0b0b0; --line: #454545; --paper: #141414; --card: #1c1c1c;
    --s1: #56b4e9; --s2: #ff9455; --s3: #3ccf9f; --s4: #e08fd0; --s5: #e6c229; --s6: #d0d0d0;
  }
}`;
