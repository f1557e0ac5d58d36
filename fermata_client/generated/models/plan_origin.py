from enum import StrEnum


class PlanOrigin(StrEnum):
    IMPORTED = "imported"
    RECERTIFIED = "recertified"
    RUN = "run"

    def __str__(self) -> str:
        return str(self.value)
