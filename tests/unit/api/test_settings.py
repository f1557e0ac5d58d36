"""Settings: read from the environment, checked, and documented."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from api.settings import Settings
from tests.tidy.tree import ROOT


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FERMATA_PORT", "9000")
    monkeypatch.setenv("FERMATA_RUN_WORKER", "false")
    settings = Settings()
    assert (settings.port, settings.run_worker) == (9_000, False)
    assert Settings(port=7).port == 7


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("RUN_LEASE_S", "0"), ("RUN_LEASE_S", "nan")])
def test_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"FERMATA_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_each_setting_is_documented_with_its_default() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(FERMATA_[A-Z_]+)` \| `?([^`|]*?)`? \|", text, re.MULTILINE))
    expected = {
        f"FERMATA_{name.upper()}": "" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert rows == expected
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description in text
