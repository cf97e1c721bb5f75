"""Prompts as tokens: a chat by the model's template, a completion as it is."""

import copy
import json
from typing import Any

from llmbatch_vllm.request.control_tokens import protect, special_texts, unused_character
from llmbatch_vllm.request.messages import read_message
from llmbatch_vllm.refusal import Refusal, sentence


class Prompts:
    def __init__(self, tokenizer: Any, settings: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._template = template_of(settings)
        text = self._template or getattr(tokenizer, "chat_template", None) or ""
        self.has_template = bool(text)
        self._has_developer = "developer" in str(text)
        self._special = None if settings["allowControlTokens"] else special_texts(tokenizer, str(text))
        # Our own, since this one is used beside the engine's; and without what HF sets on it at each call.
        self._fast = copy.deepcopy(getattr(tokenizer, "_tokenizer", None))
        if hasattr(self._fast, "no_truncation"):
            self._fast.no_truncation()
            self._fast.no_padding()
        else:
            self._fast = None
        if self._template is not None:
            self._check_template()

    def of(self, request: dict[str, Any]) -> list[int]:
        body = request["body"]
        if request["endpoint"] == "/v1/completions":
            # Raw by contract: control tokens are what they are.
            tokens = self._of_text(body.get("prompt"), None, "prompt", body.get("add_special_tokens") is not False)
            return self._with_one_bos(tokens)
        protected = protect(chat_of(body, self._has_developer), self._special)
        # The template writes the token that begins a prompt.
        is_start_special = body.get("add_special_tokens") is True
        return self._tokens(self._render(protected.value), protected.mark, is_start_special)

    def of_embedding(self, body: dict[str, Any]) -> list[list[int]]:
        given = body.get("input")
        return [self._of_text(text, self._special, "input") for text in (given if isinstance(given, list) else [given])]

    def _of_text(self, text: Any, special: Any, key: str, is_start_special: bool = True) -> list[int]:
        if not isinstance(text, str) or text == "":
            raise Refusal("bad-request", f"`{key}` is no text, or an empty one.")
        protected = protect(text, special)
        return self._tokens(protected.value, protected.mark, is_start_special)

    def _with_one_bos(self, tokens: list[int]) -> list[int]:
        """The prompt may begin with the token that the tokenizer puts before it."""
        bos = getattr(self._tokenizer, "bos_token_id", None)
        return tokens[1:] if bos is not None and tokens[:2] == [bos, bos] else tokens

    def _render(self, chat: dict[str, Any]) -> str:
        if not self.has_template:
            way = "give one with --chat-template, or send `prompt`, with its markup written out, to /v1/completions"
            raise Refusal("bad-request", f"The model has no chat template: {way}.")
        text = self._apply(chat)
        for key in ("tools", "documents"):
            if chat[key] and text == self._apply({**chat, key: None}):
                way = "remove them, or give one that does with --chat-template"
                what = f"The model's chat template does not print `{key}`, and it would not know of them"
                raise Refusal("bad-request", f"{what}: {way}.")
        return open_end(text, chat) if chat["continues"] else text

    def _check_template(self) -> None:
        """Tries the template of the user with one question, before the first request."""
        question = "Is this a chat?"
        try:
            message = {"role": "user", "content": question}
            text = self._render(chat_of({"messages": [message]}, self._has_developer))
        except Refusal as refusal:
            reason = sentence(refusal.__cause__ or refusal)
            raise Refusal("usage", f"--chat-template can't render a chat: {reason}") from refusal
        if question not in text:
            raise Refusal("usage", "--chat-template can't render a chat: it does not print a user's message.")

    def outcomes_of(self, trials: dict[str, Any]) -> dict[str, dict[str, str]]:
        """What the template makes of each trial, as ../../../request/template-facts.ts reads it."""
        return {name: self._outcome_of(trial) for name, trial in trials.items()} if self.has_template else {}

    def _outcome_of(self, trial: dict[str, Any]) -> dict[str, str]:
        chat = chat_of({"messages": trial["messages"]}, self._has_developer)
        try:
            return {"text": self._apply({**chat, "kwargs": trial["kwargs"]})}
        except Refusal as refusal:
            return {"problem": sentence(refusal.__cause__ or refusal)}

    def _apply(self, chat: dict[str, Any]) -> str:
        messages = chat["messages"]
        if chat["continues"]:
            messages = [*messages[:-1], {**messages[-1], "content": messages[-1]["content"] + chat["end"]}]
        try:
            return self._tokenizer.apply_chat_template(
                messages,
                chat_template=self._template,
                tools=chat["tools"],
                documents=chat["documents"],
                tokenize=False,
                add_generation_prompt=chat["generates"],
                **chat["kwargs"],
            )
        except Exception as error:
            raise Refusal(
                "bad-request", f"The chat template can't render these messages: {sentence(error)}"
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
    """Builds what the template is given. Everything in it that is a user's text is protected as a whole."""
    continues, generates = last_turn(body)
    messages = [read_message(message, number, has_developer) for number, message in enumerate(body["messages"])]
    return {
        "messages": messages,
        "tools": None if body.get("tool_choice") == "none" else body.get("tools") or None,
        "documents": body.get("documents") or None,
        "continues": continues,
        "generates": generates,
        "kwargs": template_kwargs(body),
        # A mark behind the last message, to find where its text ends.
        "end": unused_character(json.dumps(body, ensure_ascii=False)) if continues else "",
    }


def last_turn(body: dict[str, Any]) -> tuple[bool, bool]:
    """Says whether the answer continues the last message, and whether it begins a new one, as ../../../../request/last-turn.ts does."""
    last, number = body["messages"][-1], len(body["messages"]) - 1
    opens = body.get("add_generation_prompt")
    is_begun = last.get("role") == "assistant" and opens is not True
    if not body.get("continue_final_message", is_begun):
        return False, opens is not False
    if opens is True:
        both = "`continue_final_message` and `add_generation_prompt` are both true: remove one of them."
        raise Refusal("bad-request", both)
    if last.get("role") != "assistant":
        why = f"messages[{number}] has the role {json.dumps(last.get('role'))}, and only an assistant's message can be continued"
        raise Refusal("bad-request", f"{why}: remove `continue_final_message`.")
    if last.get("tool_calls"):
        way = "put the result of the call behind it, or say `continue_final_message`: false"
        raise Refusal("bad-request", f"messages[{number}] ends in a tool call, which can't be continued: {way}.")
    return True, False


def open_end(rendered: str, chat: dict[str, Any]) -> str:
    """Removes what the template adds behind the last message to close its turn."""
    begun = chat["messages"][-1]["content"]
    text, end, _ = rendered.rpartition(chat["end"])
    if end and text.endswith(begun):
        return text
    where = f"messages[{len(chat['messages']) - 1}]"
    raise Refusal(
        "bad-request",
        f"The model's chat template does not write the text of {where} as it is, so that it can't be continued: take blanks "
        "off its ends and thoughts out of it, or say `continue_final_message`: false for an answer behind it.",
    )


def template_kwargs(body: dict[str, Any]) -> dict[str, Any]:
    kwargs = dict(body.get("chat_template_kwargs") or {})
    reserved = {"conversation", "messages", "tools", "tokenize", "chat_template", "tokenizer_kwargs", "return_dict"}
    reserved |= {"add_generation_prompt", "continue_final_message", "return_assistant_tokens_mask", "return_tensors"}
    reserved |= {"truncation", "max_length", "padding", "documents"}
    wrong = next((key for key in kwargs if key in reserved), None)
    if wrong is not None:
        raise Refusal("bad-request", f"`chat_template_kwargs` can't hold `{wrong}`: it is given in the body itself.")
    return kwargs


def template_of(settings: dict[str, Any]) -> str | None:
    """The template of the user; None where the model's own is taken."""
    path = settings["own"].get("chat_template")
    if path is None:
        return settings["chatTemplate"]
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise Refusal("usage", f"--option chat_template: can't read {path}: {error.strerror}.") from error
