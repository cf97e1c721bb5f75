"""The device is found when it is first asked for, as the real one does."""

from dataclasses import dataclass
from typing import Any

from vllm.fake.settings import platform


@dataclass
class Platform:
    device_type: str

    def get_device_name(self, device_id: int = 0) -> str:
        return f"Fake GPU {device_id}"


def __getattr__(name: str) -> Any:
    if name == "current_platform":
        found = platform()
        return Platform("" if found == "none" else found)
    raise AttributeError(f"No attribute named '{name}' exists in {__name__}.")
