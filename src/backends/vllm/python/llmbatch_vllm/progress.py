"""How far the answers in work are, by what vLLM's front end keeps of each: its `RequestState`, of one shape since 0.11."""

from collections.abc import Iterator
from typing import Any


def begun(engine: Any) -> Iterator[tuple[int, Any]]:
    """The answers that have a token, each with the number of its request; of one request several where it has several
    answers. None where vLLM does not show them, and none of embeddings."""
    states = getattr(getattr(engine, "output_processor", None), "request_states", {})
    for name, state in list(states.items()):
        detokenizer = getattr(state, "detokenizer", None)
        # vLLM makes ids of its own of ours.
        asked = str(getattr(state, "external_req_id", None) or name).rpartition("_")[2].partition(".")[0]
        if detokenizer is not None and asked.isdigit() and detokenizer.num_output_tokens() > 0:
            yield int(asked), state


def progress_of(engine: Any) -> list[list[int]]:
    """`TaskProgress` of ../../../subprocess/protocol.ts. vLLM tells of a prompt when the first token is there; of a request
    with several answers it is told with them, since each says something else of the cache."""
    told: dict[int, list[int]] = {}
    for key, state in begun(engine):
        counts = told.setdefault(key, [key, 0, 0, 0])
        counts[1] += state.detokenizer.num_output_tokens()
        if state.parent_req is None:
            cached = max(0, state.num_cached_tokens or 0)
            counts[2:] = [state.prompt_len - cached, cached]
    return list(told.values())
