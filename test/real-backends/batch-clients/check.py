"""Goes through the Batch API of a server with OpenAI's own Python client: `python check.py BASE_URL`.

The server runs on `mock` with `--option context_tokens=300`, so that a long prompt fails. Prints the name of each step that held,
one a line; a step that does not hold raises.
"""

import io
import json
import pathlib
import sys
import tempfile
import time

import openai
from openai import OpenAI

client = OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
ENDED = ("completed", "failed", "expired", "cancelled")


def lines(count, text="Say a word", prefix="request"):
    return [
        {
            "custom_id": f"{prefix}-{index}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "mock", "messages": [{"role": "user", "content": f"{text} {index}"}]},
        }
        for index in range(count)
    ]


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def until_over(batch):
    for _ in range(600):
        batch = client.batches.retrieve(batch.id)
        if batch.status in ENDED:
            return batch
        time.sleep(0.05)
    raise AssertionError(f"batch {batch.id} is still {batch.status}")


def create(rows, **more):
    uploaded = client.files.create(file=("rows.jsonl", jsonl(rows)), purpose="batch")
    return uploaded, client.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h", **more
    )


def results_of(file_id):
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()]


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected")


def step(name):
    print(name, flush=True)


def check_uploads():
    payload = jsonl(lines(3))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "by-path.jsonl")
        path.write_bytes(payload)
        by_path = client.files.create(file=path, purpose="batch")
    assert by_path.object == "file" and by_path.filename == "by-path.jsonl" and by_path.bytes == len(payload)
    assert by_path.purpose == "batch" and by_path.status == "processed" and abs(by_path.created_at - time.time()) < 60
    step("upload by path")
    assert client.files.create(file=payload, purpose="batch").bytes == len(payload)
    step("upload of bytes")
    by_stream = client.files.create(
        file=io.BytesIO(payload), purpose="batch", expires_after={"anchor": "created_at", "seconds": 7200}
    )
    assert by_stream.expires_at == by_stream.created_at + 7200
    step("upload of a stream")
    assert client.files.content(by_stream.id).read() == payload
    assert client.files.wait_for_processing(by_path.id).id == by_path.id
    step("content")
    listed = [file.id for file in client.files.list(purpose="batch", limit=2)]
    assert listed[0] == by_stream.id and by_path.id in listed and len(listed) == len(set(listed))
    step("files, page by page")
    assert client.files.delete(by_path.id).deleted
    refused(openai.NotFoundError, lambda: client.files.retrieve(by_path.id))
    step("deletion")
    assert refused(openai.BadRequestError, lambda: client.files.create(file=payload, purpose="vision")).param == "purpose"
    step("another purpose")


def check_batch():
    uploaded, batch = create(lines(5), metadata={"team": "blue"})
    assert batch.object == "batch" and batch.input_file_id == uploaded.id and batch.metadata == {"team": "blue"}
    assert batch.endpoint == "/v1/chat/completions" and batch.completion_window == "24h"
    assert batch.expires_at == batch.created_at + 86_400 and batch.output_file_id is None
    step("creation")
    batch = until_over(batch)
    counts = batch.request_counts
    assert batch.status == "completed" and (counts.total, counts.completed, counts.failed) == (5, 5, 0), batch
    assert batch.in_progress_at and batch.finalizing_at and batch.completed_at and not batch.error_file_id
    usage = batch.usage
    assert usage.input_tokens > 0 and usage.output_tokens > 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    step("polling to its end")
    results = results_of(batch.output_file_id)
    assert [row["custom_id"] for row in results] == [f"request-{index}" for index in range(5)]
    for row in results:
        assert row["error"] is None and row["response"]["status_code"] == 200
        openai.types.chat.ChatCompletion.model_validate(row["response"]["body"], strict=False)
        assert row["response"]["body"]["choices"][0]["finish_reason"] == "stop"
    assert client.files.retrieve(batch.output_file_id).purpose == "batch_output"
    step("results")


def check_failures():
    too_long = lines(2, text="word " * 400, prefix="long")
    batch = until_over(create(lines(2) + too_long)[1])
    assert batch.status == "completed" and batch.request_counts.failed == 2 and batch.request_counts.completed == 2
    errors = results_of(batch.error_file_id)
    assert [row["custom_id"] for row in errors] == ["long-0", "long-1"]
    assert errors[0]["error"] is None and errors[0]["response"]["status_code"] == 400
    assert errors[0]["response"]["body"]["error"]["message"]
    step("an error file")
    batch = until_over(create(too_long)[1])
    assert batch.status == "completed" and not batch.output_file_id and len(results_of(batch.error_file_id)) == 2
    step("a batch whose requests all fail")
    rows = lines(3)
    rows[1]["custom_id"] = rows[0]["custom_id"]
    batch = until_over(create(rows)[1])
    assert batch.status == "failed" and batch.errors.data[0].line == 2, batch
    assert batch.errors.data[0].code == "duplicate_custom_id" and batch.failed_at
    step("a file with a mistake")
    kept = client.files.create(file=b"this is no JSON\n", purpose="batch")
    batch = client.batches.create(input_file_id=kept.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert until_over(batch).errors.data[0].code == "invalid_json_line"
    step("a file that is no JSON")
    wrong = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}
    refused(openai.NotFoundError, lambda: client.batches.retrieve("batch_none"))
    refused(openai.APIStatusError, lambda: client.batches.create(input_file_id="file-none", **wrong))
    refused(
        openai.BadRequestError,
        lambda: client.batches.create(input_file_id=kept.id, metadata={"priority": "high"}, **wrong),
    )
    step("refusals")


def check_list_and_cancel():
    made = [create(lines(1))[1].id for _ in range(5)]
    seen = [batch.id for batch in client.batches.list(limit=2)]
    assert seen[:5] == made[::-1] and len(seen) == len(set(seen)), seen
    step("batches, page by page")
    _, batch = create(lines(50_000, prefix="many"))
    cancelled = client.batches.cancel(batch.id)
    assert cancelled.status in ("cancelling", "cancelled") and cancelled.cancelling_at
    batch = until_over(batch)
    done = len(results_of(batch.output_file_id)) if batch.output_file_id else 0
    left = results_of(batch.error_file_id)
    assert batch.status == "cancelled" and done + len(left) == 50_000
    assert left[-1]["response"] is None and left[-1]["error"]["code"] == "batch_cancelled"
    step("cancelling")
    refused(openai.ConflictError, lambda: client.batches.cancel(batch.id))
    step("cancelling what is over")


check_uploads()
check_batch()
check_failures()
check_list_and_cancel()
assert any(model.id for model in client.models.list())
step("models")
