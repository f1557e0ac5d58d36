from enum import StrEnum


class ForecastSource(StrEnum):
    IMPORT = "import"
    MODEL = "model"
    PLANNER = "planner"
    RESOLVED = "resolved"

    def __str__(self) -> str:
        return str(self.value)
