from typing import Any


class PrometheusStatLogger:
    def record(self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: Any = None, engine_idx: int = 0) -> None:
        pass

    def log(self) -> None:
        pass


class StatLoggerManager:
    def __init__(self) -> None:
        self.stat_loggers: list[Any] = [PrometheusStatLogger()]

    def record(self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: Any = None, engine_idx: int = 0) -> None:
        for logger in self.stat_loggers:
            logger.record(scheduler_stats, iteration_stats, mm_cache_stats=mm_cache_stats, engine_idx=engine_idx)

    def log(self) -> None:
        for logger in self.stat_loggers:
            logger.log()
