"""How far the answers in work are, by what vLLM's front end keeps of each: its `RequestState`, of one shape since 0.11."""

from collections.abc import Iterator
from typing import Any

from llmbatch_vllm.answers import times, usage


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
        if key not in told:
            told[key] = [key, tokens_ended(state), 0, 0]
        told[key][1] += state.detokenizer.num_output_tokens()
        if state.parent_req is None:
            told[key][2:] = prompt_of(state)
    return list(told.values())


def tokens_ended(state: Any) -> int:
    """The tokens of the answers to the same request that have ended."""
    ended = getattr(state.parent_req, "output_aggregator", [])
    return sum(len(output.token_ids) for output in ended if output is not None)


def prompt_of(state: Any) -> list[int]:
    """The tokens of the prompt that were computed, and those that were cached."""
    cached = max(0, state.num_cached_tokens or 0)
    return [state.prompt_len - cached, cached]


def cost_so_far(engine: Any, key: int) -> dict[str, Any]:
    """What a request in work has cost, as `cost_of` has it for one that has ended."""
    states = [state for found, state in begun(engine) if found == key]
    computed, cached = prompt_of(states[0])
    completion = tokens_ended(states[0]) + sum(state.detokenizer.num_output_tokens() for state in states)
    return {"usage": usage(computed + cached, completion, cached), **times(states[0].stats)}
