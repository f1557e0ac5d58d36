from enum import StrEnum


class GetRolloutSpares(StrEnum):
    FREE = "free"
    KEPT = "kept"

    def __str__(self) -> str:
        return str(self.value)
