"""``fermata forecast`` against a real server."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
from typer.testing import CliRunner, Result

from api.cli.main import app
from tests.control_plane import forecast
from tests.unit.api.test_rest_forecasts import HEADER, row


def run(client: httpx.Client, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["forecast", *arguments, "--url", str(client.base_url)])


def test_csv_and_json_are_sent_listed_and_shown(client: httpx.Client, tmp_path: Path) -> None:
    sheet, body = tmp_path / "december.csv", tmp_path / "f.json"
    sheet.write_text("\n".join([HEADER, row(), row(hour=1)]), encoding="utf-8")
    body.write_text(json.dumps(forecast(name="from json")), encoding="utf-8")
    sent = run(client, "submit", str(sheet), "--note", "with the sale", "--json")
    assert sent.exit_code == 0, sent.output
    (stored,) = json.loads(sent.stdout)
    assert (stored["name"], stored["source"], stored["note"]) == ("december", "planner", "with the sale")
    assert run(client, "submit", str(body)).exit_code == 0
    listed = run(client, "list", "--limit", "2").stdout.splitlines()
    assert "from json: 2 models, 2 epochs" in listed[0]
    assert "december: 1 models" in listed[1]
    shown = run(client, "show", str(stored["id"])).stdout
    assert "with the sale" in shown
    assert "resnet: mean 120 requests/s, from 100 to 150" in shown


def test_faults_are_named_and_nothing_is_stored(client: httpx.Client, tmp_path: Path) -> None:
    sheet = tmp_path / "bad.csv"
    sheet.write_text("\n".join([HEADER, row(numbers="nan,,"), row("resnot", 1)]), encoding="utf-8")
    before = run(client, "list", "--json").stdout
    answer = run(client, "submit", str(sheet))
    assert answer.exit_code == 2
    assert "line 2, demand_rps: must be a number" in answer.stderr
    assert run(client, "list", "--json").stdout == before


def test_what_is_not_there_is_said(client: httpx.Client) -> None:
    answer = run(client, "show", "99999")
    assert answer.exit_code == 1
    assert "there is no forecast 99999" in answer.stderr
    nobody = CliRunner().invoke(app, ["forecast", "list", "--url", "http://127.0.0.1:9"])
    assert nobody.exit_code == 1
    assert "cannot be reached" in nobody.stderr
