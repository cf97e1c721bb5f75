"""Control tokens spelled out in a user's text stay text: a candidate can't write the next turn of its own interview.

Such a text is broken up with a mark before the template sees it, and the rendered prompt is tokenized in the pieces
between the marks. Without such a text nothing differs.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmbatch_vllm.refusal import Refusal

MARKUP = re.compile(r"(?=.*\W)\S*\w\S*", re.DOTALL)


@dataclass
class Protected:
    value: Any
    """What parts the pieces; None where there is nothing to part."""
    mark: str | None


def special_texts(tokenizer: Any, template: str) -> re.Pattern[str] | None:
    """Control tokens, and the user-defined ones that the template writes: many fine-tunes declare their turns so."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    texts = {str(token) for token in added if getattr(token, "special", True) or is_markup(str(token), template)}
    # A text of one character can't be broken up, and none is known that a model uses for its turns.
    breakable = sorted(re.escape(text) for text in texts if len(text) > 1)
    # The look-ahead leaves the match one character long, so that texts that overlap are all found.
    return re.compile(f"(?={'|'.join(breakable)}).", re.DOTALL) if breakable else None


def is_markup(text: str, template: str) -> bool:
    return text in template and MARKUP.fullmatch(text) is not None


def protect(value: Any, special: re.Pattern[str] | None) -> Protected:
    if special is None or not any(special.search(text) for text in texts_of(value)):
        return Protected(value, None)
    mark = unused_character("".join(texts_of(value)))
    return Protected(map_texts(value, lambda text: special.sub(lambda found: found.group() + mark, text)), mark)


def texts_of(value: Any) -> list[str]:
    texts: list[str] = []
    map_texts(value, lambda text: (texts.append(text), text)[1])
    return texts


def map_texts(value: Any, replace: Callable[[str], str]) -> Any:
    """A copy with every text in it replaced, keys too: a tool call's arguments may have any."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, list):
        return [map_texts(item, replace) for item in value]
    if isinstance(value, dict):
        return {replace(key): map_texts(item, replace) for key, item in value.items()}
    return value


def unused_character(text: str) -> str:
    """A character for private use that the text has not."""
    for code in range(0xE000, 0xF900):
        if chr(code) not in text:
            return chr(code)
    raise Refusal("control-token", "The text has a control token, and every character that could part it.")
