"""Finds run-away answers, by the rule and in the words of ../../../request/repetition.ts and run-away.ts."""

import json
import re
import unicodedata
from typing import Any

# Tokens over which prose repeats itself, and any other text, which may be data that was asked for.
PROSE = 512
DATA = 2048
# The repeated text is at most this part of them.
TIMES = 8
SHOWN = 60


class RunAways:
    def __init__(self, tokenizer: Any, is_allowed: bool) -> None:
        self._tokenizer = tokenizer
        self._is_allowed = is_allowed

    def find(self, tokens: list[int], params: Any) -> str | None:
        """The sentence about an answer that repeats itself at its end; None where it does not, or may. A request that
        has vLLM look for repetitions is vLLM's."""
        if self._is_allowed or len(tokens) < PROSE or getattr(params, "repetition_detection", None) is not None:
            return None
        period = period_of(tokens)
        if period is None:
            return None
        span = span_of(tokens, period)
        text = self._tokenizer.decode(tokens[-period:])
        has_grammar = params.structured_outputs is not None
        is_sure = span >= DATA and period <= PROSE // TIMES
        if text.strip() and (has_grammar or not (is_sure or is_prose(text + text))):
            return None
        return (
            f"The answer repeats itself without end, and was stopped after {len(tokens):,} tokens: {shown(text)} came "
            f"{span // period:,} times in a row. Try another temperature or repeat_penalty, or use --allow-repetition "
            "if you want such answers."
        )


def period_of(tokens: list[int]) -> int | None:
    """The shortest period of the last tokens: a comparison of slices for the few that are possible."""
    for period in range(1, DATA // TIMES + 1):
        span = PROSE if period <= PROSE // TIMES else DATA
        if len(tokens) < span:
            return None
        if tokens[-1 - period] == tokens[-1] and tokens[period - span :] == tokens[-span:-period]:
            return period
    return None


def span_of(tokens: list[int], period: int) -> int:
    span, farthest = PROSE, min(len(tokens), DATA)
    while span < farthest and tokens[-1 - span] == tokens[-1 - span + period]:
        span += 1
    return span


def is_prose(text: str) -> bool:
    """Two words side by side, an item of a list, or letters of a script that sets no blanks between its words?"""
    if re.search(r"\n[ \t]*[-*•+] +[^\W\d_]", text):
        return True
    return re.search(r"[lo]m* +[lo]|o{4}", "".join(map(class_of, text))) is not None


def class_of(character: str) -> str:
    if character in " '\u2019":
        return " " if character == " " else "m"
    category = unicodedata.category(character)
    return "o" if category == "Lo" else category[0].lower() if category[0] in "LM" else "."


# Where a text that is repeated may be said to begin: at a line, else behind a sentence, else between words.
BEGINNINGS = (r"\n", r"(?<=[.!?]) ", r"\s")


def shown(text: str) -> str:
    found = next(filter(None, (re.search(beginning, text) for beginning in BEGINNINGS)), None)
    start = found.start() if found else 0
    whole = text[start:] + text[:start]
    said = whole.strip() or whole
    return json.dumps(said if len(said) <= SHOWN else f"{said[: SHOWN - 3]}...", ensure_ascii=False)
