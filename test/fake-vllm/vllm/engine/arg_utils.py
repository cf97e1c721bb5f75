"""Of the engine's arguments those that tests give, with the parser's own checks."""

import dataclasses
from argparse import BooleanOptionalAction, Namespace
from dataclasses import dataclass
from typing import Any

from vllm.usage.usage_lib import UsageContext
from vllm.utils.argparse_utils import FlexibleArgumentParser


@dataclass
class EngineArgs:
    model: str = "fake/tiny-scorer"
    dtype: str = "auto"
    enforce_eager: bool = False
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    block_size: int | None = None
    gpu_memory_utilization: float = 0.92
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    data_parallel_size: int = 1
    quantization: str | None = None
    enable_lora: bool = False
    max_loras: int = 1
    max_lora_rank: int = 16
    reasoning_parser: str = ""
    runner: str = "auto"
    convert: str = "auto"
    trust_remote_code: bool = False
    generation_config: str = "auto"
    disable_log_stats: bool = False
    scheduling_policy: str = "fcfs"

    @staticmethod
    def add_cli_args(parser: FlexibleArgumentParser) -> FlexibleArgumentParser:
        choices = {"dtype": ["auto", "bfloat16", "float16", "float32", "half"], "runner": ["auto", "generate", "pooling"]}
        for field in dataclasses.fields(EngineArgs):
            flag = "--" + field.name.replace("_", "-")
            if field.type is bool or field.type == "bool":
                parser.add_argument(flag, action=BooleanOptionalAction, default=field.default)
            else:
                of = {int: int, float: float}.get(field.type, int if field.type == int | None else str)
                parser.add_argument(flag, type=of, default=field.default, choices=choices.get(field.name))
        return parser

    @classmethod
    def from_cli_args(cls, args: Namespace) -> "EngineArgs":
        return cls(**{field.name: getattr(args, field.name) for field in dataclasses.fields(cls)})

    def create_engine_config(self, usage_context: UsageContext | None = None) -> Any:
        from vllm.fake.config import make_config

        return make_config(self, usage_context)
