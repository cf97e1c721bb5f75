"""A body's keys as vLLM's sampling parameters, over the model's own defaults, as `vllm serve` has it."""

from typing import Any

from llmbatch_vllm.refusal import Refusal, sentence
from llmbatch_vllm.request.value_types import check_types

# Keys that have the same name in both.
SAME = {
    "n", "presence_penalty", "frequency_penalty", "repetition_penalty", "temperature", "top_p", "top_k", "min_p", "seed",
    "stop", "stop_token_ids", "ignore_eos", "min_tokens", "logit_bias", "allowed_token_ids", "bad_words",
    "skip_special_tokens", "spaces_between_special_tokens", "include_stop_str_in_output", "thinking_token_budget",
    "prompt_logprobs", "repetition_detection", "watermarking",
}  # fmt: skip
# Read here or with the prompt, or of no effect on an answer.
OTHERS = {
    "model", "max_tokens", "max_completion_tokens", "repeat_penalty", "logprobs", "response_format",
    "structured_outputs", "stream", "stream_options", "user", "metadata", "store", "add_special_tokens",
    "truncate_prompt_tokens", "truncation_side", "priority", "cache_salt", "vllm_xargs", "prompt_cache_key",
    "safety_identifier", "prompt_cache_retention", "request_id", "cache_prompt", "timings_per_token", "return_progress",
}  # fmt: skip
OF_CHAT = {
    "messages", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", "chat_template_kwargs",
    "add_generation_prompt", "continue_final_message", "reasoning_effort", "documents",
}  # fmt: skip
OF_TEXT = {"prompt"}
OF_EMBEDDING = {"model", "input", "dimensions", "encoding_format", "user"}


class Sampling:
    def __init__(self, defaults: dict[str, Any], info: dict[str, Any]) -> None:
        from vllm.sampling_params import SamplingParams

        self._defaults = defaults
        self._info = info
        names = field_names(SamplingParams)
        self._same = SAME & names
        # Each request has an object of its own, so that the engine need not copy it.
        self._given = {"skip_clone": True} if "skip_clone" in names else {}

    def of(self, request: dict[str, Any]) -> Any:
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        if not self._info["canGenerate"]:
            raise Refusal("bad-request", "The model makes embeddings, no text: send `input` to /v1/embeddings.")
        body = request["body"]
        chat = request["endpoint"] == "/v1/chat/completions"
        check_keys(body, self._same | OTHERS | (OF_CHAT if chat else OF_TEXT))
        values = {**self._given, **self._defaults, **{key: body[key] for key in body if key in self._same}}
        if "repeat_penalty" in body and "repetition_penalty" not in body:
            values["repetition_penalty"] = body["repeat_penalty"]
        values["max_tokens"] = limit_of(body, self._defaults)
        values["logprobs"] = logprobs_of(body, chat)
        if "vllm_xargs" in body:
            values["extra_args"] = body["vllm_xargs"]
        if "logit_bias" in values:
            values["logit_bias"] = {int(token): float(bias) for token, bias in values["logit_bias"].items()}
        try:
            values["structured_outputs"] = structured_of(body)
            if "repetition_detection" in values:
                values["repetition_detection"] = repetition_of(values["repetition_detection"])
            return SamplingParams(**values, output_kind=RequestOutputKind.FINAL_ONLY)
        except Exception as error:
            raise Refusal("bad-request", f"vLLM does not take the request: {sentence(error)}") from error

    def of_embedding(self, body: dict[str, Any]) -> Any:
        from vllm.pooling_params import PoolingParams

        if not self._info["canEmbed"]:
            way = "take an embedding model, or try --option runner=pooling --option convert=embed"
            raise Refusal("bad-request", f"The model makes no embeddings: {way}.")
        check_keys(body, OF_EMBEDDING)
        if body.get("encoding_format", "float") != "float":
            raise Refusal("bad-request", "`encoding_format` is not float: vllm gives numbers only.")
        return PoolingParams(task="embed", dimensions=body.get("dimensions"))


def field_names(parameters: Any) -> set[str]:
    return set(getattr(parameters, "__struct_fields__", ())) or set(getattr(parameters, "__annotations__", ()))


# Values that change nothing, and that are not left out before.
NEUTRAL: dict[str, tuple[Any, ...]] = {"tool_choice": ("auto", "none"), "parallel_tool_calls": (True, False)}
STRUCTURED = {"guided_json": "json", "guided_regex": "regex", "guided_choice": "choice", "guided_grammar": "grammar"}


def check_keys(body: dict[str, Any], known: set[str]) -> None:
    for key, value in body.items():
        if key not in known and value not in NEUTRAL.get(key, ()):
            raise Refusal("bad-request", f"vllm can't honour `{key}`: {way_around(key)}.")
    check_types(body)
    if body.get("parallel_tool_calls") is False and body.get("tools"):
        raise Refusal("bad-request", "`parallel_tool_calls` is false: vllm can't hold the model to one call here.")
    if body.get("tool_choice") not in (None, "auto", "none"):
        raise Refusal("bad-request", "`tool_choice` is neither auto nor none: vllm can't force a tool here.")


def way_around(key: str) -> str:
    """Advice on most keys is given before, from the table of request keys."""
    if key in STRUCTURED:
        return f'vLLM calls it `structured_outputs`: {{"{STRUCTURED[key]}": ...}} since 0.12'
    return "remove it or use another backend"


def limit_of(body: dict[str, Any], defaults: dict[str, Any]) -> int | None:
    """None is all that the window leaves; vLLM's own default would be 16."""
    return body.get("max_completion_tokens", body.get("max_tokens", defaults.get("max_tokens")))


def logprobs_of(body: dict[str, Any], chat: bool) -> int | None:
    given = body.get("logprobs")
    if not chat:
        if type(given) is bool:
            raise Refusal("bad-request", "`logprobs` is true or false: a completion wants a whole number.")
        return given
    if given is not None and type(given) is not bool:
        raise Refusal("bad-request", f"`logprobs` is {given}: a chat wants true or false, and `top_logprobs` a number.")
    if "top_logprobs" in body and given is not True:
        raise Refusal("bad-request", "`top_logprobs` is of no use without `logprobs`: true.")
    return body.get("top_logprobs", 0) if given else None


def repetition_of(given: dict[str, Any]) -> Any:
    from vllm.sampling_params import RepetitionDetectionParams

    return RepetitionDetectionParams(**given)


def structured_of(body: dict[str, Any]) -> Any:
    from vllm.sampling_params import StructuredOutputsParams

    own = body.get("structured_outputs")
    if own is not None:
        private = next((key for key in own if key.startswith("_")), None)
        if private is not None:
            raise ValueError(f"structured_outputs has no {private}")
        return StructuredOutputsParams(**own)
    form = body.get("response_format") or {"type": "text"}
    if form["type"] == "json_object":
        return StructuredOutputsParams(json_object=True)
    if form["type"] == "json_schema":
        return StructuredOutputsParams(json=form["json_schema"]["schema"])
    if form["type"] != "text":
        raise ValueError(f"response_format {form['type']} is none of text, json_object, json_schema")
    return None
