"""A tokenizer with the part of Hugging Face's interface that the worker uses."""

import json
import threading
from dataclasses import dataclass
from typing import Any

from vllm.fake import vocabulary

CHAT_TEMPLATE = (
    "{% for m in messages %}{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{'<|im_start|>assistant\\n'}}{% endif %}"
)


@dataclass
class AddedToken:
    content: str
    special: bool = True

    def __str__(self) -> str:
        return self.content


@dataclass
class Encoding:
    ids: list[int]


class FastTokenizer:
    """That of the `tokenizers` package; two threads that share one get "Already borrowed" from the real one."""

    def __init__(self) -> None:
        self._thread: int | None = None

    def __deepcopy__(self, _memo: Any) -> "FastTokenizer":
        return FastTokenizer()

    def encode(self, text: str, add_special_tokens: bool = True) -> Encoding:
        self._thread = self._thread or threading.get_ident()
        if self._thread != threading.get_ident():
            raise RuntimeError("Already borrowed")
        return Encoding([vocabulary.BOS] * add_special_tokens + vocabulary.encode(text))

    def no_truncation(self) -> None:
        pass

    def no_padding(self) -> None:
        pass


class Tokenizer:
    def __init__(self, model: str) -> None:
        # A fine-tune that ends its turns with a token that it did not declare to be special.
        self._is_defined = "defined" in model
        template = CHAT_TEMPLATE.replace("<|im_end|>", f"{vocabulary.DEFINED}<|im_end|>") if self._is_defined else CHAT_TEMPLATE
        self.chat_template = None if "base" in model else template
        self.bos_token_id = vocabulary.BOS
        self._prints_tools = "toolless" not in model
        self.added_tokens_decoder = {number: AddedToken(text) for number, text in enumerate(vocabulary.CONTROL)}
        self.added_tokens_decoder[vocabulary.FIRST_PHRASE] = AddedToken(vocabulary.DEFINED, special=False)
        self._tokenizer = FastTokenizer()

    def encode(self, text: str, add_special_tokens: bool = True) -> list[int]:
        return self._tokenizer.encode(text, add_special_tokens).ids

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        return vocabulary.decode(ids, skip_special_tokens)

    def apply_chat_template(
        self,
        conversation: list[dict[str, Any]],
        tools: list[dict[str, Any]] | None = None,
        chat_template: str | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        tokenize: bool = True,
        **kwargs: Any,
    ) -> str:
        """ChatML; of another template only what stands before its first block. Thinking is switched off as Qwen3's has it."""
        assert not tokenize
        if add_generation_prompt and continue_final_message:
            raise ValueError(
                "continue_final_message and add_generation_prompt are not compatible. Use continue_final_message when you "
                "want the model to continue the final message, and add_generation_prompt when you want to add a header "
                "that will prompt it to start a new assistant message instead."
            )
        if chat_template is not None and chat_template.startswith("bad"):
            raise ValueError("unexpected end of template")
        parts = [(chat_template or self.chat_template).partition("{%")[0]]
        if tools and self._prints_tools:
            parts.append(turn("tools", json.dumps(tools, ensure_ascii=False)))
        for message in conversation:
            calls = [json.dumps(call["function"], ensure_ascii=False) for call in message.get("tool_calls") or []]
            parts.append(turn(message["role"], "\n".join(filter(None, [message["content"], *calls]))))
        if continue_final_message:
            return "".join(parts).removesuffix("<|im_end|>\n")
        if add_generation_prompt:
            thinking = "<think>\n\n</think>\n\n" if kwargs.get("enable_thinking") is False else ""
            parts.append(f"<|im_start|>assistant\n{thinking}")
        return "".join(parts)


def turn(role: str, content: str) -> str:
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"
