from enum import StrEnum


class PlanState(StrEnum):
    ACTIVE = "active"
    APPROVED = "approved"
    CERTIFIED = "certified"
    DRAFT = "draft"
    EXPIRED = "expired"
    IMPORTED = "imported"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"

    def __str__(self) -> str:
        return str(self.value)
