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
<noscript><p class="alert">This page needs JavaScript. Without JavaScript, use <code>GET /v1/queue</code>.</p></noscript>
<div id="all" hidden>
<dl id="headline" aria-label="The running batch"></dl>
<section id="ongoing-part" aria-labelledby="ongoing-title">
<h2 id="ongoing-title">In progress</h2>
<ul id="ongoing" class="batches"></ul>
<nav id="more" aria-label="More batches"><button id="show-more"></button> <span id="more-count"></span></nav>
</section>
<section id="over-part" aria-labelledby="over-title">
<h2 id="over-title">Ended</h2>
<ul id="over" class="batches"></ul>
<nav id="pager" aria-label="Pages of ended batches"><button id="newer">Newer</button> <span id="page-number"></span> <button id="older">Older</button></nav>
</section>
</div>
<section id="empty" hidden>
<h2>No batches yet</h2>
<p>Write the requests to a file, one per line:</p>
<pre>{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "MODEL", "messages": [{"role": "user", "content": "Hello"}]}}</pre>
<p>Upload the file, and create a batch from it:</p>
<pre><span id="address">server=</span>
id=$(curl -s $server/v1/files -F purpose=batch -F file=@requests.jsonl | jq -r .id)
curl -s $server/v1/batches -H 'Content-Type: application/json' \\
  -d '{"input_file_id": "'$id'", "endpoint": "/v1/chat/completions", "completion_window": "24h"}'</pre>
<p>If the server has a key, add <code>-H "Authorization: Bearer $LLMBATCH_API_KEY"</code> to each <code>curl</code>. You can also use a client library for the Batch API: set its base URL to this address and <code>/v1</code>.</p>
</section>
<section id="login" hidden>
<h2>Key</h2>
<form method="post" action="/login">
<p><label for="key">This server needs a key: the value that <code>LLMBATCH_API_KEY</code> had when the server was started.</label></p>
<p id="wrong-key" class="alert" role="alert" hidden>That is not the key of this server.</p>
<p><input name="username" value="llmbatch" autocomplete="username" hidden><input id="key" name="key" type="password" autocomplete="current-password" required> <button>Log in</button></p>
</form>
</section>
</main>
<dialog id="ask-cancel" aria-labelledby="cancel-question">
<form method="dialog">
<p id="cancel-question">Cancel <strong id="cancel-name"></strong>? Requests that are done stay in its output. The other requests are not run.</p>
<p class="choices"><button value="keep">Keep it</button> <button value="cancel" class="danger">Cancel the batch</button></p>
</form>
</dialog>
`;
