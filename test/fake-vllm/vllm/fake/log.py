"""Log lines as vLLM writes them: to stdout, unless it is told otherwise."""

import multiprocessing
import os
import sys
import time


def log(text: str, level: str = "INFO", place: str = "core.py:99") -> None:
    stream = sys.stderr if os.environ.get("VLLM_LOGGING_STREAM") == "ext://sys.stderr" else sys.stdout
    name = multiprocessing.current_process().name
    process = "" if name == "MainProcess" else f"({name} pid={os.getpid()}) "
    print(f"{process}{level} {time.strftime('%m-%d %H:%M:%S')} [{place}] {text}", file=stream, flush=True)
