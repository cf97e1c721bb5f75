"""The session with llmbatch: hello, open, then requests in and answers out until the input ends.

Two threads: this one steps the engine, the other reads requests and makes prompts of them (tokenizers work without the
interpreter's lock), so that the engine never waits for either.
"""

import contextlib
import json
import os
import queue
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from llmbatch_vllm import lifetime
from llmbatch_vllm.refusal import Refusal, sentence
from llmbatch_vllm.versions import check_vllm, versions

PROTOCOL = 1
ENGINE_DIED = 4
SIGTERM_EXIT = 143
LONGEST_END_SECONDS = 7.0  # vLLM's own takes 4 to 5

# Text with which llmbatch begins the line of a request.
REQUEST = re.compile(rb'\{"type":"generate","id":(\d+),')

Message = dict[str, Any]
Send = Callable[..., None]


def run(answers_fd: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: lifetime.end_group(SIGTERM_EXIT))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    send = create_send(answers_fd)
    send({"type": "hello", "protocol": PROTOCOL, **versions()})
    line = sys.stdin.buffer.readline()
    if not line:
        return
    try:
        check_vllm()
        from llmbatch_vllm.engine import open_engine

        engine = open_engine(json.loads(line)["settings"])
    except Refusal as refusal:
        send({"type": "refused", "kind": refusal.kind, "message": refusal.message, "hint": refusal.hint})
        lifetime.end_group(0)
    except BaseException:
        fail(ENGINE_DIED)
    lifetime.end_with_children(ENGINE_DIED)
    send({"type": "ready", "info": engine.info})
    try:
        serve(engine, send)
    except BaseException:
        fail(ENGINE_DIED)
    lifetime.end_group_later(LONGEST_END_SECONDS, 0)
    engine.close()
    lifetime.end_group(0)


def create_send(answers_fd: int) -> Send:
    lock = threading.Lock()

    def send(*messages: Message) -> None:
        lines = [text_of(message) + "\n" for message in messages]
        data = memoryview("".join(lines).encode())
        with lock:
            while data:
                data = data[os.write(answers_fd, data) :]

    return send


def text_of(message: Message) -> str:
    """An answer that can't be written, with a number that JSON has not or too deep a nesting, is a failure of its own."""
    try:
        return json.dumps(message, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        if message["type"] != "answer":
            raise
        failed = {"status": "failed", "kind": "invalid-response", "message": f"The answer can't be written: {sentence(error)}"}
        return json.dumps({**message, "answer": failed}, separators=(",", ":"))


def serve(engine: Any, send: Send) -> None:
    """Ends when the input ends."""
    inbox: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=read_requests, args=(engine, inbox, send), daemon=True).start()
    while True:
        while engine.is_idle() or not inbox.empty():
            message = inbox.get()
            if message is None:
                return
            take(engine, message, send)
        answers = engine.step()
        stats = engine.stats.due()
        if stats is not None:
            send({"type": "stats", **stats}, {"type": "progress", "tasks": engine.progress()})
            answers += engine.end_run_aways()
        if answers:
            send(*({"type": "answer", "id": key, "answer": answer} for key, answer in answers))


def take(engine: Any, message: tuple[str, int, Any], send: Send) -> None:
    kind, key, prepared = message
    if kind == "abort":
        engine.abort(key)
        return
    if kind == "forget-prompts":
        engine.forget_prompts()
        return
    try:
        engine.add(key, prepared)
    except Exception as error:  # of this request: a wrong schema, a value that the engine does not take
        send({"type": "answer", "id": key, "answer": refused(engine.refusal_of(error))})


def read_requests(engine: Any, inbox: queue.SimpleQueue, send: Send) -> None:
    try:
        for line in sys.stdin.buffer:
            message = read(line, send)
            if message is None:
                continue
            if message["type"] == "forget-prompts":
                inbox.put(("forget-prompts", 0, None))
                continue
            key = message["id"]
            if message["type"] == "abort":
                inbox.put(("abort", key, None))
                continue
            try:
                inbox.put(("generate", key, engine.prepare(message["request"])))
            except BaseException as error:  # a tokenizer's panic is no Exception
                send({"type": "answer", "id": key, "answer": refused(engine.refusal_of(error))})
        # llmbatch is gone, or wants no more. A step that hangs must not keep the GPU.
        lifetime.end_group_later(LONGEST_END_SECONDS, 0)
        inbox.put(None)
    except BaseException:
        fail(1)


def read(line: bytes, send: Send) -> Message | None:
    """Returns None where the request can't be read, which is that request's failure."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        named = REQUEST.match(line)
        if named is None:
            raise
        refusal = Refusal("bad-request", f"vllm can't read the request: {sentence(error)}")
        send({"type": "answer", "id": int(named.group(1)), "answer": refused(refusal)})
        return None


def fail(code: int) -> None:
    """Ends the process with the cause in the log; where llmbatch is gone, nobody reads it."""
    with contextlib.suppress(OSError):
        traceback.print_exc()
        sys.stderr.flush()
    lifetime.end_group(code)


def refused(refusal: Refusal) -> Message:
    return {"status": "failed", "kind": refusal.kind, "message": refusal.message}
