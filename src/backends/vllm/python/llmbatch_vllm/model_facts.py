"""Facts about the engine that are known when the model is loaded."""

import hashlib
import os
from typing import Any

from llmbatch_vllm.versions import vllm_version


def engine_info(engine: Any, adapters: list[str]) -> dict[str, Any]:
    """`VllmInfo` of ../../settings.ts."""
    config = engine.vllm_config
    model = engine.model_config
    tasks = supported_tasks(engine)
    return {
        "version": vllm_version(),
        "contextTokens": model.max_model_len,
        "trainedTokens": trained_tokens(model),
        "maxNumSeqs": config.scheduler_config.max_num_seqs,
        "kvTokens": kv_tokens(config.cache_config),
        "prefixCaching": getattr(config.cache_config, "enable_prefix_caching", None),
        "blockTokens": block_tokens(config.cache_config),
        "device": device_name(),
        "dtype": str(model.dtype).replace("torch.", ""),
        "digest": digest_of(model.model, getattr(model.hf_config, "_commit_hash", None)),
        "canGenerate": "generate" in tasks,
        "canEmbed": "embed" in tasks,
        "adapters": adapters,
        "hasThinkingBudget": has_thinking_budget(config),
    }


def has_thinking_budget(config: Any) -> bool:
    """vLLM must know how a thought begins and ends to end it."""
    reasoning = getattr(config, "reasoning_config", None)
    return reasoning is not None and getattr(reasoning, "enabled", True)


def supported_tasks(engine: Any) -> tuple[str, ...]:
    try:
        return tuple(engine.get_supported_tasks())
    except AttributeError:  # 0.11
        return tuple(engine.model_config.supported_tasks)


def device_name() -> str:
    from vllm.platforms import current_platform

    if current_platform.device_type == "cpu":
        return "CPU"
    try:
        return current_platform.get_device_name()
    except Exception:
        return current_platform.device_type


def kv_tokens(cache: Any) -> int | None:
    told = getattr(cache, "kv_cache_size_tokens", None)
    if told is not None:
        return told
    blocks, size = getattr(cache, "num_gpu_blocks", None), getattr(cache, "block_size", None)
    return blocks * size if blocks and size else None


def block_tokens(cache: Any) -> int | None:
    """Newer ones tell the blocks of the prefix cache apart from those of the KV cache."""
    return getattr(cache, "cache_hit_alignment_tokens", None) or getattr(cache, "block_size", None)


def trained_tokens(model: Any) -> int | None:
    """The window that the model's own files name."""
    text = getattr(model, "hf_text_config", None) or model.hf_config
    trained = getattr(text, "max_position_embeddings", None)
    return trained if isinstance(trained, int) else None


def context_advice(info: dict[str, Any]) -> str:
    trained, window = info["trainedTokens"], info["contextTokens"]
    if trained is not None and trained > window:
        return f"shorten it, or raise --option max_model_len (the model was trained on {trained:,})"
    return "shorten it, the model was trained on no more"


WEIGHTS = (".safetensors", ".bin", ".gguf", ".pt")


def digest_of(path: str, commit: str | None) -> str | None:
    """The commit of a model of a hub; of a folder, its configuration and the sizes and times of its weights."""
    if not os.path.isdir(path):
        return commit
    parts = hashlib.sha256()
    for name in sorted(os.listdir(path)):
        file = os.path.join(path, name)
        if name.endswith(WEIGHTS):
            facts = os.stat(file)
            parts.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        elif name in ("config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json"):
            with open(file, "rb") as content:
                parts.update(content.read())
    return f"sha256:{parts.hexdigest()}"
