/** What stands on the page before its script fills it: all parts, most of them hidden until there is something to show. */
export const livePageBody = `<header id="top">
<div>
<h1>llmbatch</h1>
<p id="status" aria-live="polite">&nbsp;</p>
</div>
<div class="actions">
<form id="logout" method="post" action="/logout" hidden><button>Log out</button></form>
<button id="pause-all">Pause all</button>
</div>
</header>
<p id="trouble" class="alert" role="alert" hidden></p>
<p id="complaint" class="alert" role="alert" hidden></p>
<p id="problem" class="alert" role="alert" hidden></p>
<main>
<noscript><p class="alert">This page needs JavaScript. Without it, ask <code>GET /v1/queue</code>.</p></noscript>
<div id="all" hidden>
<dl id="headline" aria-label="The batch that runs"></dl>
<section id="ongoing-part" aria-labelledby="ongoing-title">
<h2 id="ongoing-title">Under way</h2>
<ul id="ongoing" class="batches"></ul>
<nav id="more" aria-label="More batches"><button id="show-more"></button> <span id="more-count"></span></nav>
</section>
<section id="over-part" aria-labelledby="over-title">
<h2 id="over-title">Over</h2>
<ul id="over" class="batches"></ul>
<nav id="pager" aria-label="Pages of batches that are over"><button id="newer">Newer</button> <span id="page-number"></span> <button id="older">Older</button></nav>
</section>
</div>
<section id="empty" hidden>
<h2>No batches yet</h2>
<p>Write the requests into a file, one a line:</p>
<pre>{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "MODEL", "messages": [{"role": "user", "content": "Hello"}]}}</pre>
<p>Send the file, and make a batch of it:</p>
<pre><span id="address">server=</span>
id=$(curl -s $server/v1/files -F purpose=batch -F file=@requests.jsonl | jq -r .id)
curl -s $server/v1/batches -H 'Content-Type: application/json' \\
  -d '{"input_file_id": "'$id'", "endpoint": "/v1/chat/completions", "completion_window": "24h"}'</pre>
<p>Where the server has a key, each <code>curl</code> needs <code>-H "Authorization: Bearer $LLMBATCH_API_KEY"</code> too. Clients of the Batch API do the same, with this address and <code>/v1</code> as their base URL.</p>
</section>
<section id="login" hidden>
<h2>Key</h2>
<form method="post" action="/login">
<p><label for="key">This server has a key: the value of <code>LLMBATCH_API_KEY</code> where it was started.</label></p>
<p id="wrong-key" class="alert" role="alert" hidden>That is not the key of this server.</p>
<p><input name="username" value="llmbatch" autocomplete="username" hidden><input id="key" name="key" type="password" autocomplete="current-password" required> <button>Log in</button></p>
</form>
</section>
</main>
<dialog id="ask-cancel" aria-labelledby="cancel-question">
<form method="dialog">
<p id="cancel-question">Cancel <strong id="cancel-name"></strong>? What is done stays in its output; the rest is not run.</p>
<p class="choices"><button value="keep">Keep it</button> <button value="cancel" class="danger">Cancel the batch</button></p>
</form>
</dialog>
`;
