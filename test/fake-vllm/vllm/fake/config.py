"""The engine's configuration, by the names under which the worker reads it. Raises what the real one raises."""

from dataclasses import dataclass, field
from typing import Any

from vllm.fake.settings import fault, kv_tokens, platform
from vllm.usage.usage_lib import UsageContext

TRAINED = 4096
BLOCK = 16


@dataclass
class HfConfig:
    max_position_embeddings: int = TRAINED
    _commit_hash: str = "5eed0000000000000000000000000000000000aa"


@dataclass
class ModelConfig:
    model: str
    max_model_len: int
    dtype: str
    generation_config: str
    hf_config: HfConfig = field(default_factory=HfConfig)

    @property
    def hf_text_config(self) -> HfConfig:
        return self.hf_config

    def get_diff_sampling_param(self) -> dict[str, Any]:
        """A model whose own files ask for a seed's worth of randomness, and one that says nothing."""
        if self.generation_config == "vllm" or "warm" not in self.model:
            return {}
        return {"temperature": 0.7, "max_tokens": 3}


@dataclass
class CacheConfig:
    num_gpu_blocks: int
    block_size: int


@dataclass
class SchedulerConfig:
    max_num_seqs: int
    policy: str = "fcfs"


@dataclass
class VllmConfig:
    model_config: ModelConfig
    cache_config: CacheConfig
    scheduler_config: SchedulerConfig
    args: Any


def make_config(args: Any, usage_context: UsageContext | None) -> VllmConfig:
    if platform() == "none":
        raise RuntimeError(
            "Failed to infer device type, please set the environment variable `VLLM_LOGGING_LEVEL=DEBUG` to turn on "
            "verbose logging to help debug the issue."
        )
    for name, error in MODEL_FAULTS.items():
        if fault(name) is not None:
            raise error(args.model)
    asked = args.max_model_len
    if asked is not None and asked > TRAINED:
        raise ValueError(
            f"User-specified max_model_len ({asked}) is greater than the derived max_model_len "
            f"(max_position_embeddings={TRAINED} or model_max_length=None in model's config.json). To allow overriding "
            "this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1."
        )
    window = min(TRAINED, kv_tokens()) if asked in (None, -1) else asked
    usual = 256 if usage_context == UsageContext.LLM_CLASS else 128
    dtype = "torch.bfloat16" if args.dtype == "auto" else f"torch.{args.dtype}"
    return VllmConfig(
        ModelConfig(args.model, window, dtype, args.generation_config),
        CacheConfig(kv_tokens() // (args.block_size or BLOCK), args.block_size or BLOCK),
        SchedulerConfig(args.max_num_seqs or usual, args.scheduling_policy),
        args,
    )


def gated(model: str) -> Exception:
    return OSError(
        f"You are trying to access a gated repo.\nMake sure to have access to it at https://huggingface.co/{model}.\n"
        f"401 Client Error. (Request ID: Root=1-68)\n\nCannot access gated repo for url "
        f"https://huggingface.co/{model}/resolve/main/config.json.\nAccess to model {model} is restricted. "
        "You must have access to it and be authenticated to access it. Please log in."
    )


def not_found(model: str) -> Exception:
    return OSError(
        f"{model} is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'\n"
        "If this is a private repository, make sure to pass a token having permission to this repo either by logging in "
        "with `hf auth login` or by passing `token=<your_token>`"
    )


def offline(model: str) -> Exception:
    return OSError(
        "We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.\n"
        "Check your internet connection or see how to run the library in offline mode at "
        "'https://huggingface.co/docs/transformers/installation#offline-mode'."
    )


def remote_code(_model: str) -> Exception:
    return RuntimeError(
        "Failed to load the model config. If the model is a custom model not yet available in the HuggingFace "
        "transformers library, consider setting `trust_remote_code=True` in LLM or using the `--trust-remote-code` flag "
        "in the CLI."
    )


def architecture(_model: str) -> Exception:
    return ValueError(
        "Model architectures ['WibbleForCausalLM'] are not supported for now. Supported architectures: "
        "dict_keys(['LlamaForCausalLM'])"
    )


MODEL_FAULTS = {
    "gated": gated,
    "not-found": not_found,
    "offline": offline,
    "remote-code": remote_code,
    "architecture": architecture,
}
