"""One sequence: its answer is known when it comes, and is said a token a step."""

import time
from dataclasses import dataclass, field
from typing import Any

from vllm.fake.answers import answer_to
from vllm.fake.prompt import Prompt, read_prompt
from vllm.fake.vocabulary import END, decode, encode

END_BY = "End by "


@dataclass
class Sequence:
    id: str
    tokens: list[int]
    params: Any
    adapter: str | None
    window: int
    queued_ts: float = field(default_factory=time.monotonic)
    scheduled_ts: float = 0.0
    first_token_ts: float = 0.0
    cached: int = 0
    said: list[int] = field(default_factory=list)
    finish_reason: str | None = None
    stop_reason: int | str | None = None

    def __post_init__(self) -> None:
        self.prompt: Prompt = read_prompt(self.tokens)
        self.question = self.prompt.question()
        self.is_pooling = not hasattr(self.params, "max_tokens")
        if not self.is_pooling:
            room = self.window - len(self.tokens)
            most = self.params.max_tokens
            self.most = room if most is None else min(most, room)
            self.answer = [*encode_text(answer_to(self.prompt, self.params, self.adapter)), END]

    def step(self) -> None:
        """Says the next token."""
        place = len(self.said)
        if place == 0:
            self.first_token_ts = time.monotonic()
        token = self.answer[place] if place < len(self.answer) else encode(".")[0]
        self.said.append(token)
        if self.question.startswith(END_BY):
            self.finish_reason = self.question.removeprefix(END_BY)
        elif token == END and not self.params.ignore_eos and place + 1 > self.params.min_tokens:
            self.finish_reason = "stop"
        elif token in self.params.stop_token_ids:
            self.finish_reason, self.stop_reason = "stop", token
        elif self.stop_text() is not None:
            self.finish_reason, self.stop_reason = "stop", self.stop_text()
        elif place + 1 >= self.most:
            self.finish_reason = "length"

    def stop_text(self) -> str | None:
        return next((stop for stop in self.params.stop if stop in decode(self.said)), None)

    def text(self) -> str:
        text = decode(self.said, self.params.skip_special_tokens)
        if isinstance(self.stop_reason, str):
            before, stop, _ = text.partition(self.stop_reason)
            return before + stop if self.params.include_stop_str_in_output else before
        return text


def encode_text(text: str) -> list[int]:
    """A model says a control token as text when it repeats one that was text."""
    ids: list[int] = []
    for piece in text.replace("<", "<\0").split("\0"):
        ids.extend(encode(piece))
    return ids
