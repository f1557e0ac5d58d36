from enum import StrEnum


class PolicyBodyGpus(StrEnum):
    PER_EPOCH = "per_epoch"
    RESERVED = "reserved"

    def __str__(self) -> str:
        return str(self.value)
