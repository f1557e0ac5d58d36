from enum import StrEnum


class SlotOutcome(StrEnum):
    ACTIVATED = "activated"
    CANCELLED = "cancelled"
    FAILED = "failed"
    RUNNING = "running"
    WAITING = "waiting"

    def __str__(self) -> str:
        return str(self.value)
