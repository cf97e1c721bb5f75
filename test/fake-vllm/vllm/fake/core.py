"""The engine's core in a process of its own, as the real one is where it is not told otherwise: it watches nobody."""

import multiprocessing
import os
import queue
import signal
import threading
import time
import traceback
from typing import Any

from vllm.fake.loading import load_model
from vllm.fake.log import log
from vllm.fake.scheduler import Scheduler


def run_core(connection: Any, config: Any) -> None:
    """Reads ("add", sequence), ("abort", ids) and ("reset_prefix_cache", None), writes ("ready",), ("step", ...) and ("dead",)."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    scheduler = None
    try:
        workers = start_workers(config.args.tensor_parallel_size)
        load_model(config)
        scheduler = Scheduler(config)
        connection.send(("ready",))
        inbox: queue.Queue = queue.Queue()
        threading.Thread(target=read_all, args=(connection, inbox), daemon=True).start()
        serve(connection, scheduler, inbox)
        del workers
    except Exception:
        what = "failed to start." if scheduler is None else "encountered a fatal error."
        log(f"EngineCore {what}\n{traceback.format_exc()}", "ERROR", "core.py:1510")
        if scheduler is not None:
            connection.send(("dead",))
        raise


def serve(connection: Any, scheduler: Scheduler, inbox: queue.Queue) -> None:
    while True:
        while scheduler.is_idle() or not inbox.empty():
            kind, value = inbox.get()
            if kind == "add":
                scheduler.add(value)
            elif kind == "abort":
                scheduler.abort(value)
            else:
                scheduler.reset_prefix_cache()
        connection.send(("step", *scheduler.step()))


def read_all(connection: Any, inbox: queue.Queue) -> None:
    try:
        while True:
            inbox.put(connection.recv())
    except EOFError:
        pass


def start_workers(count: int) -> list[multiprocessing.Process]:
    """With tensor parallelism the core has a process for each GPU."""
    context = multiprocessing.get_context("spawn")
    names = [f"VllmWorker-{rank}" for rank in range(count)] if count > 1 else []
    workers = [context.Process(target=work, name=name, daemon=True) for name in names]
    for worker in workers:
        worker.start()
    return workers


def work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log("worker is there")
    time.sleep(3600)
