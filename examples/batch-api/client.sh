#!/usr/bin/env bash
# Sends a batch to `llmbatch serve` with curl and jq, waits for it, and prints the answers.
#
#   llmbatch serve -m model.gguf        # in another terminal
#   bash client.sh requests.jsonl
set -euo pipefail
base=${OPENAI_BASE_URL:-http://127.0.0.1:4080/v1}
# A server on this machine needs no key. The key is read from a file, because arguments appear in the list of processes.
ask() { curl -sS --fail-with-body -H @<(echo "Authorization: Bearer ${LLMBATCH_API_KEY:-none}") "$@"; }

file=$(ask "$base/files" -F purpose=batch -F file=@"$1" | jq -r .id)
batch=$(ask "$base/batches" --json "{\"input_file_id\": \"$file\", \"endpoint\": \"/v1/chat/completions\", \"completion_window\": \"24h\"}" | jq -r .id)

# Server-sent events: one line of progress per second, until the batch ends.
ask -N "$base/batches/$batch/events" | grep --line-buffered '^data: {"title"' | cut -c7- |
  jq -r --unbuffered '"\(.done) of \(.total), \(.recent_rate // "n/a") requests/s"' >&2

result=$(ask "$base/batches/$batch")
jq -r '"\(.status): \(.request_counts)"' <<<"$result" >&2
output=$(jq -r '.output_file_id // empty' <<<"$result")
errors=$(jq -r '.error_file_id // empty' <<<"$result")
[ -z "$output" ] || ask "$base/files/$output/content" | jq -c '{id: .custom_id, answer: .response.body.choices[0].message.content}'
[ -z "$errors" ] || ask "$base/files/$errors/content" >&2
