from enum import StrEnum


class BackendBodyKind(StrEnum):
    EMULATED = "emulated"
    ONNX = "onnx"
    TORCH = "torch"

    def __str__(self) -> str:
        return str(self.value)
