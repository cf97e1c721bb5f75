"""The engine's synchronous face: `add_request()`, `step()`, `abort_request()`."""

import os
from typing import Any

from vllm.exceptions import LoRAAdapterNotFoundError, VLLMValidationError
from vllm.fake.outputs import Group
from vllm.fake.sequence import Sequence
from vllm.fake.tokenizer import Tokenizer
from vllm.outputs import PoolingRequestOutput, RequestOutput
from vllm.pooling_params import PoolingParams
from vllm.sampling_params import SamplingParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.core_client import InprocClient, SyncMPClient
from vllm.v1.engine.output_processor import OutputProcessor
from vllm.v1.metrics.loggers import StatLoggerManager
from vllm.v1.metrics.stats import IterationStats

MAX_LOGPROBS = 20


class LLMEngine:
    def __init__(self, vllm_config: Any, log_stats: bool, multiprocess_mode: bool) -> None:
        self.vllm_config = vllm_config
        self.model_config = vllm_config.model_config
        self.log_stats = log_stats
        self.tokenizer = Tokenizer(self.model_config.model)
        self.engine_core = SyncMPClient(vllm_config) if multiprocess_mode else InprocClient(vllm_config)
        self.logger_manager = StatLoggerManager() if log_stats else None
        self.output_processor = OutputProcessor()
        self._groups: dict[str, Group] = {}
        self._steps = 0

    @classmethod
    def from_engine_args(
        cls, engine_args: Any, usage_context: UsageContext = UsageContext.ENGINE_CONTEXT, **_others: Any
    ) -> "LLMEngine":
        config = engine_args.create_engine_config(usage_context)
        is_multi = os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING", "1") == "1"
        return cls(config, not engine_args.disable_log_stats, is_multi)

    def get_supported_tasks(self) -> tuple[str, ...]:
        is_pooling = "embedder" in self.model_config.model or self.vllm_config.args.runner == "pooling"
        return ("embed", "token_embed") if is_pooling else ("generate",)

    def add_request(
        self,
        request_id: str,
        prompt: dict[str, Any],
        params: SamplingParams | PoolingParams,
        arrival_time: float | None = None,
        lora_request: Any = None,
        **_others: Any,
    ) -> str:
        if not isinstance(request_id, str):
            raise TypeError(f"request_id must be a string, got {type(request_id)}")
        if request_id in self._groups:
            # The real one takes it and mixes the two: nobody must rely on that.
            print(f"FAKE VLLM: the request id {request_id} is in flight already", flush=True)
            os._exit(99)
        self._validate(prompt, params, lora_request)
        name = None if lora_request is None else lora_request.lora_name
        group = Group(request_id, prompt["prompt_token_ids"], params.clone() if hasattr(params, "clone") else params)
        self._groups[request_id] = group
        parent = group if getattr(params, "n", 1) > 1 else None
        for sequence_id, sequence_params in group.children():
            sequence = Sequence(sequence_id, group.tokens, sequence_params, name, self.model_config.max_model_len)
            self.output_processor.add_request(sequence, request_id, parent)
            self.engine_core.add_request(sequence)
        return request_id

    def _validate(self, prompt: dict[str, Any], params: Any, lora_request: Any) -> None:
        if isinstance(params, SamplingParams):
            if "generate" not in self.get_supported_tasks():
                raise VLLMValidationError("This model does not support generation")
            params.verify(MAX_LOGPROBS, self.vllm_config.args.reasoning_parser != "")
        else:
            if "embed" not in self.get_supported_tasks():
                raise VLLMValidationError("This model does not support pooling")
            params.verify(self.model_config.model)
        if lora_request is not None and not self.vllm_config.args.enable_lora:
            raise VLLMValidationError(f"Got lora_request {lora_request} but LoRA is not enabled!")
        if lora_request is not None and not os.path.isdir(lora_request.lora_path):
            raise LoRAAdapterNotFoundError(lora_request.lora_name, lora_request.lora_path)
        self._validate_length(len(prompt["prompt_token_ids"]), isinstance(params, SamplingParams))

    def _validate_length(self, length: int, generates: bool) -> None:
        longest = self.model_config.max_model_len
        if length == 0:
            raise VLLMValidationError("The decoder prompt cannot be empty")
        if length > longest:
            raise VLLMValidationError(
                f"The decoder prompt (length {length}) is longer than the maximum model length of {longest}. Make sure that "
                "`max_model_len` is no smaller than the number of text tokens."
            )
        if length == longest and generates:
            raise VLLMValidationError(
                f"The decoder prompt (length {length}) plus the number of requested output tokens (at least 1) is longer "
                f"than the maximum model length of {longest}. Make sure that `max_model_len` is no smaller than the number "
                "of text tokens (prompt + requested output tokens)."
            )

    def abort_request(self, request_ids: list[str], internal: bool = False) -> None:
        groups = [self._groups.pop(name) for name in request_ids if name in self._groups]
        names = [child for group in groups for child, _params in group.children()]
        self.output_processor.abort_requests(names)
        self.engine_core.abort_requests(names)

    def reset_prefix_cache(self) -> bool:
        return self.engine_core.reset_prefix_cache()

    def step(self) -> list[RequestOutput | PoolingRequestOutput]:
        ended, scheduler_stats, computed, said = self.engine_core.get_output()
        self.output_processor.process_outputs(said, ended)
        outputs = []
        for sequence in ended:
            group = self._groups.get(Group.name_of(sequence.id))
            if group is not None and group.take(sequence):
                del self._groups[group.id]
                outputs.append(group.output(self.log_stats))
        if self.logger_manager is not None:
            running = scheduler_stats.num_running_reqs + len(ended)
            self.logger_manager.record(scheduler_stats, IterationStats(computed, running))
            self._steps += 1
            if self._steps % 50 == 0:
                self.logger_manager.log()
        return outputs
