"""Sends a batch to `llmbatch serve` with OpenAI's own Python client, waits for it, and prints the answers.

    pip install openai
    llmbatch serve -m model.gguf          # in another terminal
    python client.py requests.jsonl
"""

import json
import os
import sys
import time

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENAI_BASE_URL", "http://127.0.0.1:4080/v1"),
    # The client requires a key. A server on this machine does not check it.
    api_key=os.environ.get("LLMBATCH_API_KEY", "none"),
)

with open(sys.argv[1], "rb") as requests:
    uploaded = client.files.create(file=requests, purpose="batch")
batch = client.batches.create(
    input_file_id=uploaded.id,
    endpoint="/v1/chat/completions",
    completion_window="24h",
    metadata={"priority": "0"},
)

while batch.status not in ("completed", "failed", "expired", "cancelled"):
    time.sleep(2)
    batch = client.batches.retrieve(batch.id)
    counts = batch.request_counts
    print(f"{batch.status}: {counts.completed} of {counts.total}, {counts.failed} failed", file=sys.stderr)

for error in batch.errors.data if batch.errors else []:
    print(f"line {error.line}: {error.message}", file=sys.stderr)
if batch.output_file_id:
    for line in client.files.content(batch.output_file_id).text.splitlines():
        result = json.loads(line)
        answer = result["response"]["body"]["choices"][0]["message"]["content"]
        print(json.dumps({"id": result["custom_id"], "answer": answer}))
if batch.error_file_id:
    print(client.files.content(batch.error_file_id).text, file=sys.stderr)
