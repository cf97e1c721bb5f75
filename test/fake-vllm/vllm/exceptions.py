from typing import Any


class VLLMError(Exception):
    pass


class VLLMClientError(VLLMError):
    pass


class VLLMServerError(VLLMError):
    pass


class VLLMValidationError(VLLMClientError):
    def __init__(self, message: str, *, parameter: str | None = None, value: Any = None) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.value = value

    def __str__(self) -> str:
        extras = [] if self.parameter is None else [f"parameter={self.parameter}"]
        extras += [] if self.value is None else [f"value={self.value}"]
        return f"{super().__str__()} ({', '.join(extras)})" if extras else super().__str__()


class VLLMNotFoundError(VLLMClientError):
    pass


class LoRAAdapterNotFoundError(VLLMNotFoundError):
    def __init__(self, lora_name: str, lora_path: str) -> None:
        super().__init__(f"Loading lora {lora_name} failed: No adapter found for {lora_path}")
