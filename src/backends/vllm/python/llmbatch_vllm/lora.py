"""LoRA adapters: a request names one as its model."""

import json
import os
from typing import Any

from llmbatch_vllm.refusal import Refusal


class LoraModules:
    """`--option lora_modules=name=path,name=path`. The base model is what the adapters were made for, unless it is named."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._adapters: dict[str, Any] = {}
        modules = parse_modules(settings["own"].get("lora_modules", ""))
        model = settings["model"]
        self.base_model = base_of(modules[model], model) if model in modules else model
        self.names = list(modules)
        if modules:
            from vllm.lora.request import LoRARequest

            for number, (name, path) in enumerate(modules.items(), start=1):
                self._adapters[name] = LoRARequest(name, number, path)

    def adapter_of(self, model: str | None) -> Any:
        return self._adapters.get(model)


def parse_modules(text: str) -> dict[str, str]:
    modules = {}
    for pair in filter(None, text.split(",")):
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise Refusal("usage", f"--option lora_modules: {pair!r} is not name=path.")
        modules[name] = path
    return modules


def base_of(path: str, name: str) -> str:
    try:
        with open(os.path.join(path, "adapter_config.json"), encoding="utf-8") as file:
            return json.load(file)["base_model_name_or_path"]
    except (OSError, ValueError, KeyError) as error:
        hint = "Give the folder of the adapter, with its adapter_config.json."
        raise Refusal("unusable", f"The base model of {name} can't be read from {path}: {error}.", hint) from error
