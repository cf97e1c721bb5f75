"""Messages in OpenAI's shape as chat templates want them."""

import json
from typing import Any

from llmbatch_vllm.refusal import Refusal

ROLES = ("system", "developer", "user", "assistant", "tool")
MESSAGE_KEYS = {"role", "content", "name", "tool_calls", "tool_call_id", "reasoning_content", "reasoning", "refusal"}


def read_message(message: Any, number: int, has_developer: bool) -> dict[str, Any]:
    where = f"messages[{number}]"
    role = message.get("role")
    # The role goes into the prompt's structure, so only known ones pass.
    if role not in ROLES:
        raise Refusal("bad-request", f"{where} has the role {json.dumps(role)}: vllm knows {', '.join(ROLES)}.")
    # An empty list says nothing: OpenAI's own client writes `annotations: []`.
    unknown = next((key for key in message if key not in MESSAGE_KEYS and message[key] not in (None, [])), None)
    if unknown is not None:
        raise Refusal("bad-request", f"vllm can't honour `{unknown}` of {where}: remove it.")
    read = {key: value for key, value in message.items() if value is not None and value != []}
    read["role"] = "system" if role == "developer" and not has_developer else role
    read["content"] = read_content(message.get("content"), where)
    if "tool_calls" in read:
        read["tool_calls"] = [read_tool_call(call, where) for call in read["tool_calls"]]
    return read


def read_content(content: Any, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    for part in content:
        kind = part.get("type")
        if kind != "text" or not isinstance(part.get("text"), str):
            is_said = isinstance(part.get("text"), str)
            way = "write its text as a part of type \"text\"" if is_said else "use -b openai with a `vllm serve` for images"
            raise Refusal("bad-request", f"{where} has a part of type {json.dumps(kind)}: {way}.")
    return "\n".join(part["text"] for part in content)


def read_tool_call(call: Any, where: str) -> dict[str, Any]:
    """OpenAI gives the arguments as a text of JSON, templates want the object."""
    try:
        arguments = call["function"]["arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments or "{}")
        return {**call, "function": {**call["function"], "arguments": arguments}}
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal("bad-request", f"{where} has a tool call whose arguments are not JSON.") from error
