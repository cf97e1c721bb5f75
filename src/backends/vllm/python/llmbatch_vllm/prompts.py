"""Prompts as tokens: a chat by the model's template, a completion as it is."""

import copy
import json
from typing import Any

from llmbatch_vllm.control_tokens import protect, special_texts
from llmbatch_vllm.refusal import Refusal, sentence

ROLES = ("system", "developer", "user", "assistant", "tool")
MESSAGE_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "refusal"}


class Prompts:
    def __init__(self, tokenizer: Any, settings: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._template = read_template(settings["own"].get("chat_template"))
        text = self._template or getattr(tokenizer, "chat_template", None) or ""
        self._has_developer = "developer" in str(text)
        self._special = None if settings["allowControlTokens"] else special_texts(tokenizer, str(text))
        # Our own, since this one is used beside the engine's; and without what HF sets on it at each call.
        self._fast = copy.deepcopy(getattr(tokenizer, "_tokenizer", None))
        if hasattr(self._fast, "no_truncation"):
            self._fast.no_truncation()
            self._fast.no_padding()
        else:
            self._fast = None

    def of(self, request: dict[str, Any]) -> list[int]:
        body = request["body"]
        if request["endpoint"] == "/v1/completions":
            return self._of_text(body.get("prompt"), body.get("add_special_tokens") is not False, "prompt")
        protected = protect(chat_of(body, self._has_developer), self._special)
        return self._tokens(self._render(protected.value), protected.mark, is_start_special=False)

    def of_embedding(self, body: dict[str, Any]) -> list[list[int]]:
        given = body.get("input")
        return [self._of_text(text, True, "input") for text in (given if isinstance(given, list) else [given])]

    def _of_text(self, text: Any, is_start_special: bool, key: str) -> list[int]:
        if not isinstance(text, str) or text == "":
            raise Refusal("bad-request", f"`{key}` is no text, or an empty one.")
        protected = protect(text, self._special)
        return self._tokens(protected.value, protected.mark, is_start_special)

    def _render(self, chat: dict[str, Any]) -> str:
        if self._template is None and not getattr(self._tokenizer, "chat_template", None):
            way = "give one with --option chat_template=FILE, or send `prompt` to /v1/completions"
            raise Refusal("bad-request", f"The model has no chat template: {way}.")
        try:
            return self._tokenizer.apply_chat_template(
                chat["messages"],
                chat_template=self._template,
                tools=chat["tools"],
                tokenize=False,
                add_generation_prompt=chat["generates"],
                continue_final_message=chat["continues"],
                **chat["kwargs"],
            )
        except Exception as error:
            raise Refusal(
                "bad-request", f"The model's chat template can't render these messages: {sentence(error)}"
            ) from error

    def _tokens(self, text: str, mark: str | None, is_start_special: bool) -> list[int]:
        first, *others = [text] if mark is None else text.split(mark)
        tokens = self._encode(first, is_start_special)
        for piece in others:
            tokens.extend(self._encode(piece, False))
        return tokens

    def _encode(self, text: str, has_special: bool) -> list[int]:
        if self._fast is not None:
            return self._fast.encode(text, add_special_tokens=has_special).ids
        return list(self._tokenizer.encode(text, add_special_tokens=has_special))


def chat_of(body: dict[str, Any], has_developer: bool) -> dict[str, Any]:
    """What the template is given. Everything in it that is a user's text is protected as a whole."""
    continues = body.get("continue_final_message") is True
    return {
        "messages": [read_message(message, number, has_developer) for number, message in enumerate(body["messages"])],
        "tools": None if body.get("tool_choice") == "none" else body.get("tools"),
        "continues": continues,
        "generates": body.get("add_generation_prompt", not continues) is True,
        "kwargs": template_kwargs(body),
    }


def template_kwargs(body: dict[str, Any]) -> dict[str, Any]:
    kwargs = dict(body.get("chat_template_kwargs") or {})
    reserved = {"conversation", "messages", "tools", "tokenize", "chat_template", "tokenizer_kwargs", "return_dict"}
    reserved |= {"add_generation_prompt", "continue_final_message", "return_assistant_tokens_mask", "return_tensors"}
    reserved |= {"truncation", "max_length", "padding"}
    wrong = next((key for key in kwargs if key in reserved), None)
    if wrong is not None:
        raise Refusal("bad-request", f"`chat_template_kwargs` can't hold `{wrong}`: it is given in the body itself.")
    effort = body.get("reasoning_effort")
    if effort is not None:
        kwargs.setdefault("reasoning_effort", effort)
        kwargs.setdefault("enable_thinking", effort != "none")
    return kwargs


def read_message(message: Any, number: int, has_developer: bool) -> dict[str, Any]:
    where = f"messages[{number}]"
    role = message.get("role")
    # The role goes into the prompt's structure, so only known ones pass.
    if role not in ROLES:
        raise Refusal("bad-request", f"{where} has the role {json.dumps(role)}: vllm knows {', '.join(ROLES)}.")
    unknown = next((key for key in message if key not in MESSAGE_KEYS and message[key] is not None), None)
    if unknown is not None:
        raise Refusal("bad-request", f"vllm can't honour `{unknown}` of {where}: remove it.")
    read = {key: value for key, value in message.items() if value is not None}
    read["role"] = "system" if role == "developer" and not has_developer else role
    read["content"] = read_content(message.get("content"), where)
    if "tool_calls" in read:
        read["tool_calls"] = [read_tool_call(call, where) for call in read["tool_calls"]]
    return read


def read_content(content: Any, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        if part.get("type") != "text" or not isinstance(part.get("text"), str):
            way = "use -b openai with a `vllm serve` for images"
            raise Refusal("bad-request", f"{where} has a part of type {json.dumps(part.get('type'))}: {way}.")
    return "\n".join(part["text"] for part in content)


def read_tool_call(call: Any, where: str) -> dict[str, Any]:
    """OpenAI gives the arguments as a text of JSON, templates want the object."""
    try:
        arguments = call["function"]["arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments or "{}")
        return {**call, "function": {**call["function"], "arguments": arguments}}
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal("bad-request", f"{where} has a tool call whose arguments are no JSON.") from error


def read_template(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Refusal("usage", f"--option chat_template: can't read {path}: {error.strerror}.") from error
