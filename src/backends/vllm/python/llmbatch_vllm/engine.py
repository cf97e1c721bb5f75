"""vLLM's engine behind six calls: prepare, add, abort, forget, step, close.

`LLMEngine.add_request()` and `step()` rather than `AsyncLLM`: each result comes when it is done as well, and on a CPU the
whole engine is this process, which starts in half the time and leaves no other behind (bench-results has the rates of
both). On GPUs vLLM's core is a process of its own, so that making prompts and reading answers goes on while the GPU works.
"""

import os
from typing import Any

from llmbatch_vllm.answers import Answers, Parsers, cost_of
from llmbatch_vllm.lora import LoraModules
from llmbatch_vllm.model_facts import context_advice, engine_info
from llmbatch_vllm.options import engine_arguments
from llmbatch_vllm.progress import begun, cost_so_far, progress_of
from llmbatch_vllm.refusal import Refusal, sentence
from llmbatch_vllm.repetition import RunAways
from llmbatch_vllm.request.control_tokens import declared_texts
from llmbatch_vllm.request.prompts import Prompts, template_of
from llmbatch_vllm.request.sampling import Sampling
from llmbatch_vllm.stats import Stats


def open_engine(settings: dict[str, Any]) -> "Engine":
    """Loads the model. `settings` is `VllmSettings` of ../../settings.ts."""
    from vllm.platforms import current_platform

    if current_platform.device_type == "cpu":
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    from vllm.usage.usage_lib import UsageContext
    from vllm.v1.engine.llm_engine import LLMEngine

    lora = LoraModules(settings)
    arguments = engine_arguments(settings, lora.base_model)
    parsers = Parsers(settings)
    template_of(settings)
    stats = Stats()
    engine = LLMEngine.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS, stat_loggers=[stats.make])
    stats.take_over(engine)
    return Engine(engine, settings, lora=lora, parsers=parsers, stats=stats)


class Engine:
    def __init__(
        self, engine: Any, settings: dict[str, Any], *, lora: LoraModules, parsers: Parsers, stats: Stats
    ) -> None:
        self._engine = engine
        self._lora = lora
        self.stats = stats
        self.info = engine_info(engine, lora.names)
        tokenizer = tokenizer_of(engine)
        parsers.check(tokenizer)
        self._prompts = Prompts(tokenizer, settings)
        self.info["hasTemplate"] = self._prompts.has_template
        self.info["trials"] = self._prompts.outcomes_of(settings["trials"])
        self.info["specialTexts"] = declared_texts(tokenizer)
        self._sampling = Sampling(engine.model_config.get_diff_sampling_param(), self.info)
        self._run_aways = RunAways(tokenizer, settings["allowRepetition"])
        self._answers = Answers(tokenizer, parsers, self._run_aways, self.info)
        self._flights: dict[int, Flight] = {}
        self._advice = context_advice(self.info)

    def prepare(self, request: dict[str, Any]) -> "Prepared":
        """All of a request that needs no engine; called on another thread than the rest."""
        # A null means "not given".
        body = {key: value for key, value in request["body"].items() if value is not None}
        request = {**request, "body": body}
        is_embedding = request["endpoint"] == "/v1/embeddings"
        params = self._sampling.of_embedding(body) if is_embedding else self._sampling.of(request)
        prompts = self._prompts.of_embedding(body) if is_embedding else [self._prompts.of(request)]
        prompts = [truncated(prompt, body, self.info["contextTokens"]) for prompt in prompts]
        for prompt in prompts:
            self._check_length(len(prompt), is_embedding)
        self._check_priority(body.get("priority", 0))
        return Prepared(request, prompts, params, self._lora.adapter_of(body.get("model")))

    def _check_length(self, tokens: int, is_embedding: bool) -> None:
        window = self.info["contextTokens"]
        # An answer needs room for one token.
        if tokens > window or (tokens == window and not is_embedding):
            counts = f"The prompt has {tokens:,} tokens, and the context window {window:,}"
            raise Refusal("context-too-long", f"{counts}: {self._advice}.")

    def _check_priority(self, priority: int) -> None:
        if priority != 0 and self._engine.vllm_config.scheduler_config.policy != "priority":
            way = "add --option scheduling_policy=priority, or remove it"
            raise Refusal("bad-request", f"`priority` is of no use to a scheduler that goes by arrival: {way}.")

    def add(self, key: int, prepared: "Prepared") -> None:
        flight = Flight(key, prepared)
        added = []
        try:
            for index, prompt in enumerate(prepared.prompts):
                # Ours and unique: vLLM takes an id twice, and mixes the two.
                name = f"{key}.{index}"
                added.append(name)
                body = prepared.request["body"]
                self._engine.add_request(
                    name,
                    tokens_input(prompt, body.get("cache_salt")),
                    prepared.params,
                    lora_request=prepared.adapter,
                    priority=body.get("priority", 0),
                )
        except Exception:
            self._engine.abort_request(added)
            raise
        self._flights[key] = flight

    def abort(self, key: int) -> None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            self._engine.abort_request([f"{key}.{index}" for index in range(len(flight.prepared.prompts))])

    def forget_prompts(self) -> None:
        """Empties the prefix cache. Nothing may be in flight."""
        self._engine.reset_prefix_cache()

    def is_idle(self) -> bool:
        return not self._flights

    def step(self) -> list[tuple[int, dict[str, Any]]]:
        answered = []
        for output in self._engine.step():
            if not output.finished:
                continue
            key, index = (int(part) for part in output.request_id.split("."))
            flight = self._flights.get(key)
            if flight is None:
                continue
            flight.outputs[index] = output
            if len(flight.outputs) == len(flight.prepared.prompts):
                del self._flights[key]
                answered.append((key, self._answer(flight)))
        return answered

    def _answer(self, flight: "Flight") -> dict[str, Any]:
        outputs = [flight.outputs[index] for index in range(len(flight.outputs))]
        try:
            return self._answers.of(flight.prepared, outputs)
        except Refusal as refusal:
            failed = {"kind": refusal.kind, "message": refusal.message}
        except Exception as error:  # of a parser of thoughts or tools
            failed = {"kind": "invalid-response", "message": f"The answer can't be read: {sentence(error)}"}
        return {"status": "failed", **failed, **cost_of(flight.prepared, outputs)}

    def progress(self) -> list[list[int]]:
        return progress_of(self._engine)

    def end_run_aways(self) -> list[tuple[int, dict[str, Any]]]:
        """Ends the answers that repeat themselves without end: the failure of each request."""
        ended = []
        for key, state in begun(self._engine):
            flight = self._flights.get(key)
            tokens = state.detokenizer.output_token_ids
            found = None if flight is None else self._run_aways.find(tokens, flight.prepared.params)
            if found is not None:
                failed = {"status": "failed", "kind": "repetition", "message": found}
                ended.append((key, {**failed, **cost_so_far(self._engine, key)}))
                self.abort(key)
        return ended

    def refusal_of(self, error: BaseException) -> Refusal:
        """One bad request fails alone, even where vLLM raises something unexpected."""
        if isinstance(error, Refusal):
            return error
        if type(error).__name__ == "EngineDeadError":
            raise error
        return Refusal("bad-request", f"vLLM does not take the request: {sentence(error)}")

    def close(self) -> None:
        shutdown = getattr(self._engine.engine_core, "shutdown", None)
        if shutdown is not None:
            shutdown()


class Prepared:
    __slots__ = ("adapter", "limit", "params", "prompts", "request")

    def __init__(self, request: dict[str, Any], prompts: list[list[int]], params: Any, adapter: Any) -> None:
        self.request = request
        self.prompts = prompts
        self.params = params
        self.limit = getattr(params, "max_tokens", None)
        self.adapter = adapter


class Flight:
    __slots__ = ("key", "outputs", "prepared")

    def __init__(self, key: int, prepared: Prepared) -> None:
        self.key = key
        self.prepared = prepared
        self.outputs: dict[int, Any] = {}


def tokens_input(tokens: list[int], cache_salt: str | None) -> dict[str, Any]:
    """Tokens, so that no second BOS is put before them; with a type they pass the engine's own rendering by."""
    salted = {} if cache_salt is None else {"cache_salt": cache_salt}
    return {"type": "token", "prompt_token_ids": tokens, **salted}


def truncated(tokens: list[int], body: dict[str, Any], window: int) -> list[int]:
    """`truncate_prompt_tokens` as `vllm serve` has it: the last ones are kept; -1 is what leaves room for the answer."""
    most = body.get("truncate_prompt_tokens")
    if most is None:
        return tokens
    if most < -1 or most > window:
        raise Refusal("bad-request", f"`truncate_prompt_tokens` is {most}: vllm wants -1, or 0 to {window:,}.")
    if most == -1:
        most = max(0, window - (body.get("max_completion_tokens", body.get("max_tokens")) or 1))
    if len(tokens) <= most:
        return tokens
    return tokens[:most] if body.get("truncation_side") == "right" else tokens[len(tokens) - most :]


def tokenizer_of(engine: Any) -> Any:
    """It has moved over the versions; None with `skip_tokenizer_init`."""
    for holder in (engine, getattr(engine, "renderer", None), getattr(engine, "input_processor", None)):
        tokenizer = getattr(holder, "tokenizer", None)
        if tokenizer is not None:
            # 0.11 wraps it in a group.
            return getattr(tokenizer, "tokenizer", tokenizer)
    raise Refusal("unusable", "The engine has no tokenizer: leave out --option skip_tokenizer_init.")
