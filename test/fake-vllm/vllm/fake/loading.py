"""The load of the model in the engine's own process, with its log lines and the ends that it can have."""

import sys
import time
from typing import Any

from vllm.fake import noise
from vllm.fake.log import log
from vllm.fake.settings import fault, load_seconds, strike

OUT_OF_MEMORY = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 15.70 GiB of which 1.06 GiB is free. "
    "Including non-PyTorch memory, this process has 14.62 GiB memory in use."
)


class OutOfMemoryError(RuntimeError):
    """It stands for torch's, and is printed under its name."""


OutOfMemoryError.__module__ = "torch"


def load_model(config: Any) -> None:
    noise.print_everywhere("load of the model")
    refuse_memory(config)
    log(f"Starting to load model {config.model_config.model}...", place="gpu_model_runner.py:4021")
    for done in range(3):
        bar = f"Loading safetensors checkpoint shards: {done * 50:3d}% Completed | {done}/2 [00:0{done}<00:01,  1.31it/s]"
        sys.stderr.write(f"\r{bar}")
        sys.stderr.flush()
        time.sleep(load_seconds() / 3)
    sys.stderr.write("\n")
    if fault("oom-at-load") is not None:
        raise OutOfMemoryError(OUT_OF_MEMORY)
    log("Model loading took 7.64 GiB memory and 12.345678 seconds", place="gpu_model_runner.py:4104")
    if not config.args.enforce_eager:
        log("Dynamo bytecode transform time: 3.21 s", place="backends.py:512")
        log("Capturing CUDA graphs (mixed prefill-decode, PIECEWISE)", place="gpu_model_runner.py:5100")
    tokens = config.cache_config.num_gpu_blocks * config.cache_config.block_size
    log(f"GPU KV cache size: {tokens:,} tokens", place="kv_cache_utils.py:1716")


def refuse_memory(config: Any) -> None:
    window = config.model_config.max_model_len
    if fault("hang-at-load") is not None:
        strike()
        time.sleep(3600)
    if fault("die-at-load") is not None:
        log("something that nobody knows", "ERROR")
        sys.stderr.flush()
        raise SystemExit(3)
    if fault("free-memory") is not None:
        raise ValueError(
            "Free memory on device cuda:0 (3.21/15.7 GiB) on startup is less than desired GPU memory utilization "
            "(0.92, 14.44 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes."
        )
    if fault("cpu-memory") is not None:
        raise ValueError(
            "Available memory on node 0 (2.1/7.8 GiB) on startup is less than desired CPU memory utilization "
            "(0.92, 7.2 GiB). On the CPU backend, the `--gpu-memory-utilization` flag controls the fraction of CPU memory "
            "reserved (despite its name)."
        )
    if fault("no-kv") is not None:
        raise ValueError(
            "No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the "
            "engine (this flag also controls CPU memory reservation on the CPU backend, despite its name)."
        )
    if config.cache_config.num_gpu_blocks * config.cache_config.block_size < window:
        fits = config.cache_config.num_gpu_blocks * config.cache_config.block_size
        raise ValueError(
            f"To serve at least one request with the model's max seq len ({window}), (1.5 GiB KV cache is needed, which is "
            f"larger than the available KV cache memory (0.79 GiB). Based on the available memory, the estimated maximum "
            f"model length is {fits}. Try increasing `gpu_memory_utilization` (which also controls CPU memory on the CPU "
            "backend) or decreasing `max_model_len` when initializing the engine."
        )
