"""The types of a body's values. vLLM looks at few of them, and a wrong one ends its engine, or silences it for ever."""

import json
from collections.abc import Callable
from typing import Any

from llmbatch_vllm.refusal import Refusal


def is_integer(value: Any) -> bool:
    """One that torch and msgpack can hold."""
    return type(value) is int and -(2**63) <= value < 2**63


def is_number(value: Any) -> bool:
    return type(value) in (int, float)


def is_flag(value: Any) -> bool:
    return type(value) is bool


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or is_texts(value)


def is_integers(value: Any) -> bool:
    return isinstance(value, list) and all(is_integer(item) for item in value)


def is_object(value: Any) -> bool:
    return isinstance(value, dict)


def is_logprobs(value: Any) -> bool:
    """A flag in a chat, a number in a completion."""
    return is_flag(value) or is_integer(value)


def of(description: str, check: Callable[[Any], bool], *names: str) -> dict[str, tuple[str, Callable[[Any], bool]]]:
    return dict.fromkeys(names, (description, check))


EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")


def is_effort(value: Any) -> bool:
    return value in EFFORTS


def is_side(value: Any) -> bool:
    return value in ("left", "right")


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def is_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(is_integer(item) for item in value.values())


TYPES = {
    **of("an object of whole numbers", is_counts, "repetition_detection"),
    **of("true or false", is_flag, "watermarking"),
    **of(f"one of {', '.join(EFFORTS)}", is_effort, "reasoning_effort"),
    **of("a whole number", is_integer, "n", "top_k", "seed", "min_tokens", "max_tokens", "max_completion_tokens"),
    **of("a whole number", is_integer, "top_logprobs", "thinking_token_budget", "dimensions"),
    **of("a number", is_number, "temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty"),
    **of("a number", is_number, "repetition_penalty", "repeat_penalty"),
    **of("true or false", is_flag, "ignore_eos", "skip_special_tokens", "spaces_between_special_tokens"),
    **of("true or false", is_flag, "include_stop_str_in_output", "add_generation_prompt", "continue_final_message"),
    **of("true or false", is_flag, "add_special_tokens"),
    **of("a whole number", is_integer, "prompt_logprobs", "truncate_prompt_tokens", "priority"),
    **of("left or right", is_side, "truncation_side"),
    **of("a text", is_text, "cache_salt"),
    **of("an object", is_object, "vllm_xargs"),
    **of("a list of objects", is_objects, "tools", "documents"),
    **of("true, false or a whole number", is_logprobs, "logprobs"),
    **of("a text or a list of texts", is_text_or_texts, "stop"),
    **of("a list of texts", is_texts, "bad_words"),
    **of("a list of tokens", is_integers, "stop_token_ids", "allowed_token_ids"),
    **of("an object", is_object, "logit_bias", "response_format", "structured_outputs", "chat_template_kwargs"),
}


def check_types(body: dict[str, Any]) -> None:
    for key, value in body.items():
        description, check = TYPES.get(key, ("", None))
        if check is not None and not check(value):
            raise Refusal("bad-request", f"`{key}` is {json.dumps(value)[:80]}: vllm wants {description}.")
