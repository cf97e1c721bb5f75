"""Reports what the engine is doing, twice a second: for the display, and as a sign of life."""

import time
from typing import Any

SECONDS = 0.5


class Stats:
    """A stat logger of vLLM's."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._scheduler: Any = None
        self._prompt_tokens = 0
        self._generation_tokens = 0
        self._preemptions: int | None = None

    def make(self, *_args: Any, **_kwargs: Any) -> "Stats":
        """A factory of stat loggers, as vLLM calls it."""
        return self

    def take_over(self, engine: Any) -> None:
        """Leaves out vLLM's own loggers, whose Prometheus counters cost 3 % of a tiny model's rate; an older one keeps them."""
        manager = getattr(engine, "logger_manager", None)
        if hasattr(manager, "stat_loggers"):
            manager.stat_loggers = [self]

    def record(self, scheduler_stats: Any = None, iteration_stats: Any = None, **_others: Any) -> None:
        if scheduler_stats is not None:
            self._scheduler = scheduler_stats
        if iteration_stats is not None:
            self._prompt_tokens += iteration_stats.num_prompt_tokens
            self._generation_tokens += iteration_stats.num_generation_tokens
            preempted = getattr(iteration_stats, "num_preempted_reqs", None)
            if preempted is not None:
                self._preemptions = (self._preemptions or 0) + preempted

    def due(self) -> dict[str, Any] | None:
        """The numbers, when it is time for them; tokens are counted from the start."""
        now = time.monotonic()
        if self._scheduler is None or now - self._last < SECONDS:
            return None
        self._last = now
        return {
            "running": self._scheduler.num_running_reqs,
            "waiting": self._scheduler.num_waiting_reqs,
            "kvUsage": self._scheduler.kv_cache_usage,
            "promptTokens": self._prompt_tokens,
            "generationTokens": self._generation_tokens,
            "preemptions": self._preemptions,
        }

    def __getattr__(self, _name: str) -> Any:
        """Accepts the other calls of a stat logger, which differ between versions."""
        return lambda *_args, **_kwargs: None
