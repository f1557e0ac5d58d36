from enum import StrEnum


class RunBodySolver(StrEnum):
    AUTO = "auto"
    COLUMNS = "columns"
    CP_SAT = "cp-sat"
    GREEDY = "greedy"
    HIGHS = "highs"

    def __str__(self) -> str:
        return str(self.value)
