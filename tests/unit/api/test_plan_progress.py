"""What ``fermata plan progress`` says of each state of a rollout."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import plan_control
from api.cli.main import app
from api.rest.schemas.rollouts import PROGRESS_EXAMPLE, RolloutProgressOut

OPEN = "plan 3: wave 2 of 3 is open, waits for A100-40GB/zone-a/1, goes through spare-gpu-7"


def in_state(state: str, **changes: Any) -> dict[str, Any]:
    found = PROGRESS_EXAMPLE | {"state": state} | changes
    return RolloutProgressOut.model_validate(found).model_dump(mode="json")


class Answering:
    """A control plane that gives one answer after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)

    def __call__(self, *_: object, **__: object) -> Answering:
        return self

    def get(self, path: str) -> dict[str, Any]:
        assert path == "/v1/activations/current/rollout"
        return self.answers.pop(0)


def said(monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]], *words: str) -> str:
    monkeypatch.setattr(plan_control, "Remote", Answering(*answers))
    monkeypatch.setattr(plan_control, "POLL_S", 0.0)
    result = CliRunner().invoke(app, ["plan", "progress", *words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (in_state("ordering"), "plan 3: its waves are being ordered; nodes keep what they hold"),
        (in_state("waves"), OPEN),
        (in_state("waves", lost_rps={"bert": 12.0}), f"{OPEN}; bert lacks 12.0 requests/s"),
        (in_state("waves", waits_for=[], spares=[]), "plan 3: wave 2 of 3 is open, waits for nobody"),
        (
            in_state("done", spares_left_out=["spare a of n1: why not"]),
            "plan 3: held by the fleet after 3 wave(s); not used: spare a of n1: why not",
        ),
        (in_state("done"), "plan 3: held by the fleet after 3 wave(s)"),
        (in_state("at_once", reasons=["no order"]), "plan 3: no waves, nodes take it up at once: no order"),
    ],
)
def test_each_state_is_one_line(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], text: str) -> None:
    assert said(monkeypatch, [found]).splitlines() == [text]


def test_with_wait_each_change_is_told_until_the_fleet_holds_the_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = [in_state("ordering"), in_state("waves"), in_state("waves"), in_state("done")]
    assert len(said(monkeypatch, answers, "--wait").splitlines()) == 3


def test_as_json_it_is_the_servers_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(said(monkeypatch, [in_state("waves")], "--json")) == in_state("waves")
