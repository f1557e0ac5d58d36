from enum import StrEnum


class StepOutStep(StrEnum):
    ADD_GPUS = "add_gpus"
    LOAD = "load"
    REMOVE_GPUS = "remove_gpus"
    SWITCH = "switch"
    UNLOAD = "unload"

    def __str__(self) -> str:
        return str(self.value)
