from enum import IntEnum


class Resolution(IntEnum):
    VALUE_10 = 10
    VALUE_60 = 60
    VALUE_600 = 600
    VALUE_3600 = 3600
    VALUE_86400 = 86400

    def __str__(self) -> str:
        return str(self.value)
