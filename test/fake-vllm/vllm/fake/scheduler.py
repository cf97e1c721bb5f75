"""Continuous batching: `max_num_seqs` run, each says a token a step, the others wait in the order in which they came."""

import os
import signal
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from vllm.fake import noise
from vllm.fake.loading import OUT_OF_MEMORY, OutOfMemoryError
from vllm.fake.log import log
from vllm.fake.sequence import Sequence
from vllm.fake.settings import fault, step_seconds, strike


@dataclass
class SchedulerStats:
    num_running_reqs: int = 0
    num_waiting_reqs: int = 0
    kv_cache_usage: float = 0.0


class Scheduler:
    """Its faults: crash:N and hang:N at the Nth request, oom:N with more than N running, poison by a question with the word."""

    def __init__(self, config: Any) -> None:
        self._most = config.scheduler_config.max_num_seqs
        self._cache = config.cache_config
        self._step_seconds = step_seconds()
        self._waiting: deque[Sequence] = deque()
        self._running: list[Sequence] = []
        self._blocks: set[int] = set()
        self._count = 0

    def add(self, sequence: Sequence) -> None:
        self._waiting.append(sequence)
        self._count += 1
        self._fail_by_count()

    def abort(self, ids: set[str]) -> None:
        self._waiting = deque(sequence for sequence in self._waiting if sequence.id not in ids)
        self._running = [sequence for sequence in self._running if sequence.id not in ids]

    def reset_prefix_cache(self) -> bool:
        self._blocks.clear()
        return True

    def is_idle(self) -> bool:
        return not self._waiting and not self._running

    def step(self) -> tuple[list[Sequence], SchedulerStats, int, list[tuple[str, int, int]]]:
        """The sequences that ended, the numbers, how many prompt tokens were computed, and of each sequence that said a
        token: its name, the token, and how much of its prompt was cached."""
        if self._step_seconds > 0:
            time.sleep(self._step_seconds)
        computed = 0
        while self._waiting and len(self._running) < self._most:
            sequence = self._waiting.popleft()
            sequence.scheduled_ts = time.monotonic()
            sequence.cached = self._note_prefix(sequence.tokens)
            computed += len(sequence.tokens) - sequence.cached
            self._running.append(sequence)
        self._fail_by_memory()
        for sequence in self._running:
            if "poison" in sequence.question:
                die("a poisoned request")
            if sequence.is_pooling:
                sequence.finish_reason = "stop"
            else:
                sequence.step()
        said = [(sequence.id, sequence.said[-1], sequence.cached) for sequence in self._running if sequence.said]
        ended = [sequence for sequence in self._running if sequence.finish_reason is not None]
        self._running = [sequence for sequence in self._running if sequence.finish_reason is None]
        return ended, self._stats(), computed, said

    def _stats(self) -> SchedulerStats:
        used = sum(len(sequence.tokens) + len(sequence.said) for sequence in self._running)
        share = used / (self._cache.num_gpu_blocks * self._cache.block_size)
        return SchedulerStats(len(self._running), len(self._waiting), share)

    def _note_prefix(self, tokens: list[int]) -> int:
        """How many leading tokens are in the prefix cache, in whole blocks; the last token is always computed."""
        size, cached, is_hit, key = self._cache.block_size, 0, True, 0
        for start in range(0, len(tokens) - size + 1, size):
            key = hash((key, *tokens[start : start + size]))
            is_hit = is_hit and key in self._blocks and start + size < len(tokens)
            cached += size * is_hit
            self._blocks.add(key)
        return cached

    def _fail_by_count(self) -> None:
        if self._count == number(fault("crash")):
            die("crash")
        if self._count == number(fault("error")):
            strike()
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        if self._count == number(fault("noise-at")):
            noise.print_everywhere("run")
        if self._count == number(fault("hang")):
            strike()
            log("the engine hangs now")
            while True:
                time.sleep(3600)

    def _fail_by_memory(self) -> None:
        most = number(fault("oom"))
        if most is not None and len(self._running) > most:
            raise OutOfMemoryError(OUT_OF_MEMORY)


def number(argument: str | None) -> int | None:
    return None if argument is None else int(argument)


def die(why: str) -> None:
    strike()
    log(f"dies of {why}", "ERROR")
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
