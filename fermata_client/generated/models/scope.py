from enum import StrEnum


class Scope(StrEnum):
    ADMIN = "admin"
    APPROVER = "approver"
    DISPATCHER = "dispatcher"
    PLANNER = "planner"
    READER = "reader"

    def __str__(self) -> str:
        return str(self.value)
