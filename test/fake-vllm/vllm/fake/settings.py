"""How tests steer the fake, by variables that every process of it inherits.

FAKE_VLLM_PLATFORM   cpu (the default), cuda, or none: a machine on which vLLM finds no device
FAKE_VLLM_STEP_MS    how long a step of the engine takes: 0
FAKE_VLLM_LOAD_MS    how long the load takes: 0
FAKE_VLLM_KV_TOKENS  what the KV cache holds: 65536
FAKE_VLLM_FAULT      faults, as name or name:argument, with commas between; loading.py and core.py say what they do
FAKE_VLLM_ONCE       a file: the faults happen while it is not there, and the first of them makes it
"""

import os


def fault(name: str) -> str | None:
    """The argument of a fault that is asked for, '' where it has none; None where it is not."""
    once = os.environ.get("FAKE_VLLM_ONCE")
    if once and os.path.exists(once):
        return None
    faults = dict(pair.partition(":")[::2] for pair in os.environ.get("FAKE_VLLM_FAULT", "").split(","))
    return faults.get(name)


def strike() -> None:
    """A fault is about to happen."""
    once = os.environ.get("FAKE_VLLM_ONCE")
    if once:
        open(once, "w").close()


def platform() -> str:
    return os.environ.get("FAKE_VLLM_PLATFORM", "cpu")


def step_seconds() -> float:
    return float(os.environ.get("FAKE_VLLM_STEP_MS", "0")) / 1000


def load_seconds() -> float:
    return float(os.environ.get("FAKE_VLLM_LOAD_MS", "0")) / 1000


def kv_tokens() -> int:
    return int(os.environ.get("FAKE_VLLM_KV_TOKENS", "65536"))
