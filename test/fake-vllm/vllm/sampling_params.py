"""With the real one's checks and texts for what a request can hold."""

import copy
import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from vllm.exceptions import VLLMValidationError
from vllm.fake.vocabulary import SIZE


class RequestOutputKind(Enum):
    CUMULATIVE = 0
    DELTA = 1
    FINAL_ONLY = 2


@dataclass
class StructuredOutputsParams:
    json: str | dict | None = None
    regex: str | None = None
    choice: list[str] | None = None
    grammar: str | None = None
    json_object: bool | None = None
    disable_any_whitespace: bool = False
    disable_additional_properties: bool = False
    whitespace_pattern: str | None = None
    structural_tag: str | None = None

    def __post_init__(self) -> None:
        kinds = (self.json, self.regex, self.choice, self.grammar, self.json_object, self.structural_tag)
        count = sum(kind is not None for kind in kinds)
        if count > 1:
            raise VLLMValidationError(
                f"You can only use one kind of structured outputs constraint but multiple are specified: {self.__dict__}"
            )
        if count < 1:
            raise VLLMValidationError(
                f"You must use one kind of structured outputs constraint but none are specified: {self.__dict__}"
            )


@dataclass
class RepetitionDetectionParams:
    max_pattern_size: int = 0
    min_pattern_size: int = 0
    min_count: int = 0

    def __post_init__(self) -> None:
        if self.max_pattern_size < 0 or self.min_pattern_size < 0 or self.min_pattern_size > self.max_pattern_size:
            raise VLLMValidationError(
                "max_pattern_size, min_pattern_size must be >=0, with min_pattern_size <= max_pattern_size. "
                "Set both to 0 to disable repetitive pattern detection."
            )


@dataclass
class SamplingParams:
    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    output_kind: RequestOutputKind = RequestOutputKind.CUMULATIVE
    skip_clone: bool = False
    structured_outputs: StructuredOutputsParams | None = None
    logit_bias: dict[int, float] | None = None
    allowed_token_ids: list[int] | None = None
    extra_args: dict[str, Any] | None = None
    bad_words: list[str] | None = None
    thinking_token_budget: int | None = None
    repetition_detection: RepetitionDetectionParams | None = None
    watermarking: bool | None = None

    def __post_init__(self) -> None:
        self.stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        self.stop_token_ids = list(dict.fromkeys(self.stop_token_ids or []))
        self._verify_numbers()
        self._verify_lengths()
        if self.temperature < 1e-5:
            self.top_p, self.top_k, self.min_p = 1.0, 0, 0.0
            if self.n > 1:
                raise VLLMValidationError(f"n must be 1 when using greedy sampling, got {self.n}.")

    def _verify_numbers(self) -> None:
        if not isinstance(self.n, int):
            raise VLLMValidationError(f"n must be an int, but is of type {type(self.n)}")
        if self.n < 1:
            raise VLLMValidationError(f"n must be at least 1, got {self.n}.")
        for name in ("presence_penalty", "frequency_penalty"):
            if not -2.0 <= getattr(self, name) <= 2.0:
                raise VLLMValidationError(f"{name} must be in [-2, 2], got {getattr(self, name)}.")
        if self.repetition_penalty <= 0.0:
            raise VLLMValidationError(f"repetition_penalty must be greater than zero, got {self.repetition_penalty}.")
        if not math.isfinite(self.temperature):
            self._refuse("temperature", "must be a finite number")
        if self.temperature < 0.0:
            self._refuse("temperature", "must be non-negative")
        if self.temperature > 2.0:
            self._refuse("temperature", "must be in [0, 2]")
        if not 0.0 < self.top_p <= 1.0:
            self._refuse("top_p", "must be in (0, 1]")
        if self.top_k < -1:
            raise VLLMValidationError(f"top_k must be 0 (disable), or at least 1, got {self.top_k}.")
        if not 0.0 <= self.min_p <= 1.0:
            raise VLLMValidationError(f"min_p must be in [0, 1], got {self.min_p}.")

    def _verify_lengths(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            self._refuse("max_tokens", "must be at least 1")
        if self.min_tokens < 0:
            raise VLLMValidationError(f"min_tokens must be greater than or equal to 0, got {self.min_tokens}.")
        if self.max_tokens is not None and self.min_tokens > self.max_tokens:
            raise VLLMValidationError(
                f"min_tokens must be less than or equal to max_tokens={self.max_tokens}, got {self.min_tokens}."
            )
        if self.logprobs is not None and self.logprobs < -1:
            self._refuse("logprobs", "must be non-negative or -1")
        if any(not text for text in self.stop):
            raise VLLMValidationError("stop cannot contain an empty string.")

    def _refuse(self, name: str, rule: str) -> None:
        value = getattr(self, name)
        raise VLLMValidationError(f"{name} {rule}, got {value}.", parameter=name, value=value)

    def verify(self, max_logprobs: int, has_reasoning: bool) -> None:
        """What only the engine can check."""
        if self.logprobs is not None and self.logprobs > max_logprobs:
            text = f"Requested sample logprobs of {self.logprobs}, which is greater than max allowed: {max_logprobs}"
            raise VLLMValidationError(text, parameter="logprobs", value=self.logprobs)
        for name, tokens in (("stop_token_ids", self.stop_token_ids), ("logit_bias", self.logit_bias or {})):
            wrong = [token for token in tokens if not 0 <= token < SIZE]
            if wrong:
                text = f"token_id(s) {wrong} in {name} contain out-of-vocab token ids. Vocabulary size: {SIZE}"
                raise VLLMValidationError(text, parameter=name, value=wrong)
        if self.thinking_token_budget is not None and not has_reasoning:
            raise VLLMValidationError(
                "thinking_token_budget is set but reasoning_config is not configured. Please set --reasoning-parser "
                "and/or --reasoning-config to use thinking_token_budget."
            )
        self._verify_form()

    def _verify_form(self) -> None:
        form = self.structured_outputs
        if form is None:
            return
        if form.choice == []:
            raise VLLMValidationError(f"Choice '{form.choice}' cannot be an empty list")
        if form.json_object is False:
            raise VLLMValidationError(
                "structured_outputs.json_object must be True if set; omit structured_outputs to disable structured outputs"
            )
        if isinstance(form.json, dict) and form.json.get("type") not in (None, "object", "array", "string", "number"):
            raise VLLMValidationError(f"Grammar error: Invalid type: {form.json['type']}")

    def clone(self) -> "SamplingParams":
        return copy.copy(self) if self.skip_clone else copy.deepcopy(self)
