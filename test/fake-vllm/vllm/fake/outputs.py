"""What a request gives back: one output when the last of its n sequences has ended."""

import copy
import hashlib
import time
from typing import Any

from vllm.fake.sequence import Sequence
from vllm.fake.vocabulary import decode
from vllm.logprobs import Logprob
from vllm.outputs import (
    CompletionOutput,
    PoolingOutput,
    PoolingRequestOutput,
    RequestOutput,
    RequestStateStats,
    Vector,
)

DIMENSIONS = 8


class Group:
    def __init__(self, name: str, tokens: list[int], params: Any) -> None:
        self.id = name
        self.tokens = tokens
        self._params = params
        self._arrival_time = time.time()
        self._ended: dict[str, Sequence] = {}

    @staticmethod
    def name_of(sequence_id: str) -> str:
        return sequence_id.rpartition("_")[2]

    def children(self) -> list[tuple[str, Any]]:
        """Each has a seed of its own."""
        count = getattr(self._params, "n", 1)
        if count == 1:
            return [(self.id, self._params)]
        children = []
        for index in range(count):
            params = copy.copy(self._params)
            params.n = 1
            params.seed = (params.seed or 0) + index
            children.append((f"{index}_{self.id}", params))
        return children

    @property
    def output_aggregator(self) -> list[CompletionOutput | None]:
        """As the real one's `ParentRequest` has it: the answers that have ended."""
        ended = [self._ended.get(name) for name, _params in self.children()]
        return [None if sequence is None else completion(index, sequence) for index, sequence in enumerate(ended)]

    def take(self, sequence: Sequence) -> bool:
        """Is it the last?"""
        self._ended[sequence.id] = sequence
        return len(self._ended) == getattr(self._params, "n", 1)

    def output(self, has_stats: bool) -> RequestOutput | PoolingRequestOutput:
        sequences = [self._ended[name] for name, _params in self.children()]
        first = sequences[0]
        if first.is_pooling:
            return PoolingRequestOutput(self.id, PoolingOutput(embed(self.tokens)), self.tokens, first.cached)
        outputs = [completion(index, sequence) for index, sequence in enumerate(sequences)]
        metrics = self._metrics(first) if has_stats else None
        prompt = prompt_logprobs(self.tokens, self._params.prompt_logprobs)
        return RequestOutput(self.id, self.tokens, outputs, True, metrics, first.cached, prompt_logprobs=prompt)

    def _metrics(self, first: Sequence) -> RequestStateStats:
        latency = first.first_token_ts - first.queued_ts
        now = time.monotonic()
        return RequestStateStats(
            self._arrival_time, first.queued_ts, first.scheduled_ts, first.first_token_ts, now, latency
        )


def completion(index: int, sequence: Sequence) -> CompletionOutput:
    top = sequence.params.logprobs
    logprobs = None if top is None else [logprobs_of(token, top) for token in sequence.said]
    return CompletionOutput(
        index, sequence.text(), sequence.said, None, logprobs, sequence.finish_reason, sequence.stop_reason
    )


def logprobs_of(token: int, top: int) -> dict[int, Logprob]:
    """The sampled token, in addition to the top ones, of which it is the first."""
    others = [(token + step) % 5 + 5 if step else token for step in range(max(1, top))]
    return {other: Logprob(-0.1 * (rank + 1), rank + 1, decode([other])) for rank, other in enumerate(others)}


def prompt_logprobs(tokens: list[int], top: int | None) -> list[dict[int, Logprob] | None] | None:
    """The first token has none, and the last is as improbable as can be."""
    if top is None:
        return None
    positions = [None, *(logprobs_of(token, top) for token in tokens[1:])]
    positions[-1][tokens[-1]].logprob = float("-inf")
    return positions


def embed(tokens: list[int]) -> Vector:
    digest = hashlib.sha256(repr(tokens).encode()).digest()
    return Vector(byte / 255 for byte in digest[:DIMENSIONS])
