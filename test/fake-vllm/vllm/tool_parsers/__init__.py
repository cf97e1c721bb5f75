import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class FunctionCall:
    name: str
    arguments: str


@dataclass
class ToolCall:
    function: FunctionCall
    id: str = "chatcmpl-tool-0000"
    type: str = "function"

    def model_dump(self, exclude_none: bool = False) -> dict[str, Any]:
        return asdict(self)


@dataclass
class ExtractedToolCallInformation:
    tools_called: bool
    tool_calls: list[ToolCall] = field(default_factory=list)
    content: str | None = None


class HermesParser:
    def __init__(self, tokenizer: Any, tools: list[Any] | None = None) -> None:
        self.model_tokenizer = tokenizer

    def extract_tool_calls(self, model_output: str, request: Any) -> ExtractedToolCallInformation:
        assert request.tools and request.tool_choice == "auto"
        found = [json.loads(call) for call in re.findall(r"<tool_call>(.*?)</tool_call>", model_output, re.DOTALL)]
        if not found:
            return ExtractedToolCallInformation(False, [], model_output)
        calls = [ToolCall(FunctionCall(call["name"], json.dumps(call["arguments"]))) for call in found]
        return ExtractedToolCallInformation(True, calls, model_output.partition("<tool_call>")[0] or None)


class ToolParserManager:
    tool_parsers = {"hermes": HermesParser}

    @classmethod
    def get_tool_parser(cls, name: str) -> Any:
        if name in cls.tool_parsers:
            return cls.tool_parsers[name]
        raise KeyError(f"Tool parser '{name}' not found.")
