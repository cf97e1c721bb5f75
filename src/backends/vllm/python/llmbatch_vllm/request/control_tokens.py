"""Control tokens spelled out in a user's text stay text: a candidate can't write the next turn of its own interview.

Such a text is broken up with a mark before the template sees it, and the rendered prompt is tokenized in the pieces
between the marks. Without such a text nothing differs.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from llmbatch_vllm.refusal import Refusal

MARKUP = re.compile(r"(?=.*\W)\S*\w\S*", re.DOTALL)
Replace = Callable[[str, re.Pattern[str]], str]
THINKING = re.compile(r"\W*think(ing)?\W*", re.IGNORECASE)


@dataclass
class Protected:
    value: Any
    """Mark between the pieces; None where there is nothing to part."""
    mark: str | None


@dataclass
class SpecialTexts:
    anywhere: re.Pattern[str]
    """Templates look for the end of the thinking in earlier answers, to leave it out."""
    in_answers: re.Pattern[str]


def special_texts(tokenizer: Any, template: str) -> SpecialTexts | None:
    """Control tokens, and the user-defined ones that the template writes: many fine-tunes declare their turns so."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    texts = {str(token) for token in added if getattr(token, "special", True) or is_markup(str(token), template)}
    # A text of one character can't be broken up, and none is known that a model uses for its turns.
    breakable = {part for text in texts if len(text) > 1 for part in parts_of(text)}
    if not breakable:
        return None
    return SpecialTexts(pattern_of(breakable), pattern_of(part for part in breakable if not THINKING.fullmatch(part)))


def declared_texts(tokenizer: Any) -> list[str]:
    return [str(token) for token in getattr(tokenizer, "added_tokens_decoder", {}).values()]


def parts_of(text: str) -> list[str]:
    """A template may write the first or the last character of it around a user's text."""
    return [text, *(part for part in (text[1:], text[:-1], text[1:-1]) if len(part) > 2 and re.search(r"[^\w\s]", part))]


def pattern_of(texts: Iterable[str]) -> re.Pattern[str]:
    # The look-ahead leaves the match one character long, so that texts that overlap are all found.
    alternatives = "|".join(sorted(re.escape(text) for text in texts)) or r"(?!)"
    return re.compile(f"(?={alternatives}).", re.DOTALL)


def is_markup(text: str, template: str) -> bool:
    return text in template and MARKUP.fullmatch(text) is not None


def protect(value: Any, special: SpecialTexts | None) -> Protected:
    if special is None:
        return Protected(value, None)
    texts: list[str] = []
    found = []

    def look(text: str, pattern: re.Pattern[str]) -> str:
        texts.append(text)
        found.append(pattern.search(text) is not None)
        return text

    map_texts(value, look, special)
    if not any(found):
        return Protected(value, None)
    mark = unused_character("".join(texts))
    return Protected(map_texts(value, lambda text, pattern: pattern.sub(lambda at: at.group() + mark, text), special), mark)


def map_texts(value: Any, replace: Replace, special: SpecialTexts, is_answer: bool = False) -> Any:
    """A copy with every text in it replaced, keys too: a tool call's arguments may have any."""
    if isinstance(value, str):
        return replace(value, special.in_answers if is_answer else special.anywhere)
    if isinstance(value, list):
        return [map_texts(item, replace, special, is_answer) for item in value]
    if isinstance(value, dict):
        is_answer = is_answer or value.get("role") == "assistant"
        pattern = special.in_answers if is_answer else special.anywhere
        return {replace(key, pattern): map_texts(item, replace, special, is_answer) for key, item in value.items()}
    return value


def unused_character(text: str) -> str:
    """A character for private use that the text has not."""
    for code in range(0xE000, 0xF900):
        if chr(code) not in text:
            return chr(code)
    raise Refusal("control-token", "The text has a control token, and every character that could part it.")
