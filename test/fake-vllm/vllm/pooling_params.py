from dataclasses import dataclass

from vllm.exceptions import VLLMValidationError


@dataclass
class PoolingParams:
    use_activation: bool | None = None
    dimensions: int | None = None
    task: str | None = None

    def verify(self, model: str) -> None:
        if self.dimensions is not None:
            raise VLLMValidationError(
                f"Model {model!r} does not support Matryoshka embeddings; dimensions must be unset "
                f"(received dimensions={self.dimensions})."
            )
