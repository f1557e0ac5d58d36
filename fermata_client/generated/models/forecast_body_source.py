from enum import StrEnum


class ForecastBodySource(StrEnum):
    IMPORT = "import"
    MODEL = "model"
    PLANNER = "planner"

    def __str__(self) -> str:
        return str(self.value)
