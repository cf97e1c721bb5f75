"""vLLM's outputs in OpenAI's shape, or the failure that they are."""

import importlib
import time
from types import SimpleNamespace
from typing import Any

from llmbatch_vllm.refusal import Refusal, sentence
from llmbatch_vllm.repetition import RunAways


class Answers:
    def __init__(self, tokenizer: Any, parsers: "Parsers", run_aways: RunAways, info: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._run_aways = run_aways
        self._info = info
        self._reasoning = parsers.reasoning
        self._tools = parsers.tools

    def of(self, prepared: Any, outputs: list[Any]) -> dict[str, Any]:
        if prepared.request["endpoint"] == "/v1/embeddings":
            return completed(prepared, "list", embeddings_of(outputs))
        [output] = outputs
        for choice in output.outputs:
            check_end(choice, prepared)
            self._check_repetition(choice, prepared)
            self._check_window(choice, prepared, len(output.prompt_token_ids))
        chat = prepared.request["endpoint"] == "/v1/chat/completions"
        choices = [self._chat_choice(choice, prepared) if chat else self._text_choice(choice) for choice in output.outputs]
        content = {"choices": choices, "usage": usage_of(output)}
        if getattr(output, "prompt_logprobs", None) is not None:
            # The place where vLLM's own server has it.
            (content if chat else choices[0])["prompt_logprobs"] = [self._position(at) for at in output.prompt_logprobs]
        answer = completed(prepared, "chat.completion" if chat else "text_completion", content)
        return {**answer, **times(output.metrics), "finish": finish_of(output.outputs[0])}

    def _check_repetition(self, choice: Any, prepared: Any) -> None:
        """Of one that ended before it was looked at."""
        found = self._run_aways.find(choice.token_ids, prepared.params) if choice.finish_reason == "length" else None
        if found is not None:
            raise Refusal("repetition", found)

    def _check_window(self, choice: Any, prepared: Any, prompt: int) -> None:
        """vLLM cuts prompt and `max_tokens` together at the window, in silence."""
        limit, completion = prepared.limit, len(choice.token_ids)
        if choice.finish_reason == "length" and (limit is None or completion < limit):
            window = f"{self._info['contextTokens']:,}"
            counts = f"prompt {prompt:,}, answer {completion:,} tokens"
            way = "limit it with --max-tokens" if prompt < completion else "shorten the prompt, or give a larger --option max_model_len"
            raise Refusal("truncated", f"The answer was cut where the context window of {window} was full: {way} ({counts}).")

    def _chat_choice(self, choice: Any, prepared: Any) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": choice.text}
        reason = choice.finish_reason
        if self._reasoning is not None:
            self._split_reasoning(message, prepared)
        if self._tools is not None and prepared.request["body"].get("tools") and self._split_tools(message, prepared):
            reason = "tool_calls" if reason == "stop" else reason
        logprobs = {} if choice.logprobs is None else {"logprobs": {"content": self._chat_logprobs(choice, prepared)}}
        return {"index": choice.index, "message": message, "finish_reason": reason, **logprobs}

    def _split_reasoning(self, message: dict[str, Any], prepared: Any) -> None:
        body = prepared.request["body"]
        parser = self._reasoning(self._tokenizer, chat_template_kwargs=body.get("chat_template_kwargs") or {})
        extract = getattr(parser, "extract_reasoning", None) or parser.extract_reasoning_content  # 0.11
        reasoning, content = extract(message["content"], SimpleNamespace(**body))
        message["content"] = content or ""
        if reasoning:
            message["reasoning_content"] = reasoning

    def _split_tools(self, message: dict[str, Any], prepared: Any) -> bool:
        body = {"tool_choice": "auto", **prepared.request["body"]}
        # They are handed over as vLLM's own server does it: some parsers read the types of the arguments from them.
        body["tools"] = tool_objects(body["tools"])
        parser = make_tool_parser(self._tools, self._tokenizer, body["tools"])
        found = parser.extract_tool_calls(message["content"], SimpleNamespace(**body))
        if not found.tools_called:
            return False
        message["content"] = found.content or ""
        message["tool_calls"] = [call.model_dump(exclude_none=True) for call in found.tool_calls]
        return True

    def _text_choice(self, choice: Any) -> dict[str, Any]:
        logprobs = {} if choice.logprobs is None else {"logprobs": self._text_logprobs(choice)}
        return {"index": choice.index, "text": choice.text, "finish_reason": choice.finish_reason, **logprobs}

    def _chat_logprobs(self, choice: Any, prepared: Any) -> list[dict[str, Any]]:
        content = []
        for token, position in zip(choice.token_ids, choice.logprobs, strict=False):
            # The sampled token comes in addition to the top ones, whose ranks count from 1.
            ranked = sorted(position.items(), key=lambda item: item[1].rank)
            top = [self._logprob(*item) for item in ranked if item[1].rank <= prepared.params.logprobs]
            content.append({**self._logprob(token, position[token]), "top_logprobs": top})
        return content

    def _text_logprobs(self, choice: Any) -> dict[str, Any]:
        tokens, values, top, offsets, offset = [], [], [], [], 0
        for token, position in zip(choice.token_ids, choice.logprobs, strict=False):
            text = self._text_of(token, position[token])
            tokens.append(text)
            values.append(finite(position[token].logprob))
            top.append({self._text_of(other, logprob): finite(logprob.logprob) for other, logprob in position.items()})
            offsets.append(offset)
            offset += len(text)
        return {"tokens": tokens, "token_logprobs": values, "top_logprobs": top, "text_offset": offsets}

    def _position(self, position: Any) -> dict[str, Any] | None:
        """The prompt's first token follows none, and has no probability."""
        if position is None:
            return None
        return {
            str(token): {"logprob": finite(found.logprob), "rank": found.rank, "decoded_token": self._text_of(token, found)}
            for token, found in position.items()
        }

    def _logprob(self, token: int, logprob: Any) -> dict[str, Any]:
        text = self._text_of(token, logprob)
        return {"token": text, "logprob": finite(logprob.logprob), "bytes": list(text.encode(errors="replace"))}

    def _text_of(self, token: int, logprob: Any) -> str:
        return logprob.decoded_token if logprob.decoded_token is not None else self._tokenizer.decode([token])


class Parsers:
    """Found before the model is loaded, so that a wrong name costs no minutes."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._tools_name = settings["own"].get("tool_call_parser")
        self.reasoning = reasoning_parser(settings["options"].get("reasoning_parser"))
        self.tools = tool_parser(self._tools_name)

    def check(self, tokenizer: Any) -> None:
        """A parser of another model's does not find its words in this one's tokenizer."""
        if self.tools is None:
            return
        try:
            make_tool_parser(self.tools, tokenizer, [])
        except Exception as error:
            raise Refusal("usage", f"--option tool_call_parser={self._tools_name}: {sentence(error)}") from error


def finite(logprob: float) -> float:
    """JSON has no infinity; vLLM's own server writes this number too."""
    return max(logprob, -9999.0)


def completed(prepared: Any, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    request = prepared.request
    prefix = {"chat.completion": "chatcmpl-", "text_completion": "cmpl-", "list": "embd-"}[kind]
    body = {"id": prefix + request["id"], "object": kind, "created": int(time.time()), "model": request["body"].get("model")}
    return {"status": "completed", "body": {**body, **content}}


def check_end(choice: Any, prepared: Any) -> None:
    reason = choice.finish_reason
    if reason == "repetition":
        raise Refusal("repetition", "The model repeated itself, and vLLM ended the answer there.")
    if reason == "error" and prepared.params.structured_outputs is not None:
        raise Refusal("bad-request", "vLLM can't keep an answer to this schema.")
    if reason not in ("stop", "length"):
        raise Refusal("server-error", f'vLLM ended the answer with "{reason}".')


def usage_of(output: Any) -> dict[str, Any]:
    completion = sum(len(choice.token_ids) for choice in output.outputs)
    return usage(len(output.prompt_token_ids), completion, output.num_cached_tokens)


def usage(prompt: int, completion: int, cached: int | None) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return counts if cached is None else {**counts, "prompt_tokens_details": {"cached_tokens": cached}}


def cost_of(prepared: Any, outputs: list[Any]) -> dict[str, Any]:
    """Tokens that a refused answer has cost all the same."""
    if prepared.request["endpoint"] == "/v1/embeddings":
        return {}
    return {"usage": usage_of(outputs[0]), **times(outputs[0].metrics)}


def times(metrics: Any) -> dict[str, Any]:
    if metrics is None or not metrics.first_token_latency:
        return {}
    waited = max(0.0, metrics.scheduled_ts - metrics.queued_ts)
    return {"queueMs": waited * 1000, "ttftMs": metrics.first_token_latency * 1000}


def finish_of(choice: Any) -> dict[str, Any]:
    finish = {"reason": choice.finish_reason}
    return finish if choice.stop_reason is None else {**finish, "stop": choice.stop_reason}


def embeddings_of(outputs: list[Any]) -> dict[str, Any]:
    prompt = sum(len(output.prompt_token_ids) for output in outputs)
    return {
        "data": [
            {"object": "embedding", "index": index, "embedding": output.outputs.data.tolist()}
            for index, output in enumerate(outputs)
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": 0, "total_tokens": prompt},
    }


def reasoning_parser(name: str | None) -> Any:
    if not name:
        return None
    from vllm.reasoning import ReasoningParserManager

    try:
        return ReasoningParserManager.get_reasoning_parser(name)
    except KeyError as error:
        raise Refusal("usage", f"--option reasoning_parser: vLLM has no parser {name!r}.") from error


def tool_parser(name: str | None) -> Any:
    if not name:
        return None
    try:
        from vllm.tool_parsers import ToolParserManager
    except ImportError:  # before 0.13
        from vllm.entrypoints.openai.tool_parsers import ToolParserManager
    try:
        return ToolParserManager.get_tool_parser(name)
    except KeyError as error:
        raise Refusal("usage", f"--option tool_call_parser: vLLM has no parser {name!r}.") from error


def make_tool_parser(parser: Any, tokenizer: Any, tools: list[Any]) -> Any:
    try:
        return parser(tokenizer, tools)
    except TypeError:  # older ones take the tokenizer alone
        return parser(tokenizer)


def tool_objects(tools: list[Any]) -> list[Any]:
    for module in ("vllm.entrypoints.openai.chat_completion.protocol", "vllm.entrypoints.openai.protocol"):
        try:
            shape = importlib.import_module(module).ChatCompletionToolsParam
        except (ImportError, AttributeError):
            continue
        return [shape.model_validate(tool) for tool in tools]
    return tools
