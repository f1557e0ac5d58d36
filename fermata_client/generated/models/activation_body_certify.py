from enum import StrEnum


class ActivationBodyCertify(StrEnum):
    REQUIRED = "required"
    SKIP = "skip"

    def __str__(self) -> str:
        return str(self.value)
