from enum import StrEnum


class Verdict(StrEnum):
    BOTH = "both"
    MODEL = "model"
    NEITHER = "neither"
    PLANNER = "planner"

    def __str__(self) -> str:
        return str(self.value)
