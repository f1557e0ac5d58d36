"""The page that ``fermata simulate --plot`` writes, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Error, sync_playwright
from typer.testing import CliRunner

from api.cli.main import app
from tests.tidy.tree import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_page_draws_its_panels_and_zooms(tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    scenario = ROOT / "examples" / "scenario-mixed.yaml"
    assert CliRunner().invoke(app, ["simulate", str(scenario), "--plot", str(path)]).exit_code == 0
    errors: list[str] = []

    def note_error(error: Error) -> None:
        errors.append(error.message)

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.on("pageerror", note_error)
        page.on("console", note_message)
        page.goto(path.as_uri())
        page.locator("#chart canvas").wait_for()
        chart = "echarts.getInstanceByDom(document.getElementById('chart'))"
        options = page.evaluate(f"{chart}.getOption()")
        assert [series["type"] for series in options["series"]].count("custom") == 4
        assert {series["name"] for series in options["series"]} >= {"vision", "all models", "hold factor"}
        before = page.locator("#chart canvas").screenshot()
        page.evaluate(f"{chart}.dispatchAction({{type: 'dataZoom', start: 40, end: 45}})")
        page.wait_for_timeout(300)
        assert page.locator("#chart canvas").screenshot() != before
        browser.close()
    assert errors == []
