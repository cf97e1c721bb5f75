import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { livePageBody } from './live-page-body.ts';
import { livePageStyle } from './live-page-style.ts';

/** The page of the server, and the policy under which a browser may show it. */
export interface LivePage {
  html: string;
  /** `Content-Security-Policy`: its own script and style by their hashes, requests to this server, and nothing else. */
  policy: string;
}

/** The bundle of `client/`, which the build makes. It is the same place seen from `src/` and from `dist/`. */
const scriptUrl = new URL('../../../dist/serve/page/client.js', import.meta.url);

/** Makes the page, which is the same for every visitor: all that it shows is asked for by its script. */
export function renderLivePage(): LivePage {
  const script = readFileSync(scriptUrl, 'utf8');
  // `</script>` in a text of the bundle would end it.
  if (/<\/script/i.test(script)) throw new Error('the script of the page has the end of a script in it');
  return { html: html(script), policy: policyOf(script) };
}

const policyOf = (script: string): string =>
  [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(livePageStyle)}'`,
    "connect-src 'self'",
    "form-action 'self'",
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const hashOf = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const html = (script: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>llmbatch</title>
<link rel="icon" href="data:,">
<style>${livePageStyle}</style>
</head>
<body>
${livePageBody}<script type="module">${script}</script>
</body>
</html>
`;
