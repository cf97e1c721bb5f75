from typing import Any


class ThinkParser:
    """deepseek_r1: the thinking ends with </think>, and may begin with <think>."""

    def __init__(self, tokenizer: Any, *_args: Any, **_kwargs: Any) -> None:
        self.model_tokenizer = tokenizer

    def extract_reasoning(self, model_output: str, request: Any) -> tuple[str | None, str | None]:
        _before, start, rest = model_output.partition("<think>")
        text = rest if start else model_output
        if "</think>" not in text:
            return text, None
        reasoning, _end, content = text.partition("</think>")
        return reasoning, content or None


class ReasoningParserManager:
    reasoning_parsers = {"deepseek_r1": ThinkParser}

    @classmethod
    def get_reasoning_parser(cls, name: str) -> Any:
        if name in cls.reasoning_parsers:
            return cls.reasoning_parsers[name]
        registered = ", ".join(cls.reasoning_parsers)
        raise KeyError(f"Reasoning parser '{name}' not found. Available parsers: {registered}")
