"""What the front end keeps of each answer in work: the real one's names."""

from dataclasses import dataclass, field
from typing import Any

from vllm.fake.sequence import Sequence


@dataclass
class IncrementalDetokenizer:
    token_ids: list[int] = field(default_factory=list)

    @property
    def output_token_ids(self) -> list[int]:
        return self.token_ids

    def num_output_tokens(self) -> int:
        return len(self.token_ids)


@dataclass
class RequestState:
    external_req_id: str
    prompt_len: int
    parent_req: Any
    detokenizer: IncrementalDetokenizer | None
    num_cached_tokens: int = 0
    stats: Any = None


class OutputProcessor:
    """Its names of requests are its own, as those of the real one are."""

    def __init__(self) -> None:
        self.request_states: dict[str, RequestState] = {}

    def add_request(self, sequence: Sequence, external_req_id: str, parent_req: Any) -> None:
        detokenizer = None if sequence.is_pooling else IncrementalDetokenizer()
        state = RequestState(external_req_id, len(sequence.tokens), parent_req, detokenizer)
        self.request_states[f"{sequence.id}-fa4e"] = state

    def process_outputs(self, said: list[tuple[str, int, int]], ended: list[Sequence]) -> None:
        for name, token, cached in said:
            state = self.request_states.get(f"{name}-fa4e")
            if state is not None and state.detokenizer is not None:
                state.detokenizer.token_ids.append(token)
                state.num_cached_tokens = cached
        self.abort_requests([sequence.id for sequence in ended])

    def abort_requests(self, names: list[str]) -> None:
        for name in names:
            self.request_states.pop(f"{name}-fa4e", None)
