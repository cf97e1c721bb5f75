"""The two ways to the core: in this process, and in one of its own."""

import multiprocessing
import queue
import threading
from typing import Any

from vllm.fake.core import run_core
from vllm.fake.loading import load_model
from vllm.fake.scheduler import Scheduler
from vllm.fake.sequence import Sequence
from vllm.v1.engine.exceptions import EngineDeadError


class InprocClient:
    def __init__(self, config: Any) -> None:
        load_model(config)
        self._scheduler = Scheduler(config)

    def add_request(self, sequence: Sequence) -> None:
        self._scheduler.add(sequence)

    def abort_requests(self, ids: list[str]) -> None:
        self._scheduler.abort(set(ids))

    def reset_prefix_cache(self) -> bool:
        return self._scheduler.reset_prefix_cache()

    def get_output(self) -> tuple:
        return self._scheduler.step()

    def shutdown(self) -> None:
        pass


class SyncMPClient:
    """As the real one, it waits for ever for a core that was killed."""

    def __init__(self, config: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=run_core, args=(theirs, config), name="EngineCore")
        self._process.start()
        theirs.close()
        self._outputs: queue.Queue = queue.Queue()
        try:
            self._connection.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(
                "Engine core initialization failed. See root cause above. "
                f"Failed core proc(s): {{'EngineCore': {self._process.exitcode}}}"
            ) from None
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                self._outputs.put(self._connection.recv())
        except (EOFError, OSError):
            pass

    def add_request(self, sequence: Sequence) -> None:
        self._send(("add", sequence))

    def abort_requests(self, ids: list[str]) -> None:
        if ids:
            self._send(("abort", set(ids)))

    def reset_prefix_cache(self) -> bool:
        self._send(("reset_prefix_cache", None))
        return True

    def _send(self, message: tuple) -> None:
        try:
            self._connection.send(message)
        except OSError:
            raise EngineDeadError from None

    def get_output(self) -> tuple:
        kind, *output = self._outputs.get()
        if kind == "dead":
            raise EngineDeadError
        return tuple(output)

    def shutdown(self) -> None:
        self._process.terminate()
        self._process.join(5)
