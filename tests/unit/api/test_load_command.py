from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli.main import app
from api.load.arrivals import arrivals_of, parse_rates
from api.load.report import histogram


def due(kind: str, *, cv: float = 2.0, trace: Path | None = None, rate_rps: float = 200.0) -> np.ndarray:
    found = arrivals_of({"m": rate_rps}, kind=kind, cv=cv, seconds=100.0, trace=trace, seed=3, most=1_000_000)
    return np.array([at_s for at_s, _ in found])


@pytest.mark.parametrize(
    ("kind", "cv"), [("poisson", 1.0), ("gamma", 2.2), ("gamma", 0.5), ("constant", 0.0)]
)
def test_arrivals_have_their_rate_and_variation(kind: str, cv: float) -> None:
    times_s = due(kind, cv=cv)
    gaps_s = np.diff(times_s)
    assert len(times_s) == pytest.approx(20_000, rel=0.05)
    assert gaps_s.std() / gaps_s.mean() == pytest.approx(cv, abs=0.1)
    assert (gaps_s >= 0).all()


def test_a_trace_is_dealt_to_the_models_in_turn(tmp_path: Path) -> None:
    file = tmp_path / "trace.csv"
    file.write_text("arrival_s,what\n0.5,a\n0.75,b\n2,c\n300,d\n", encoding="utf-8")
    found = arrivals_of({"a": 1, "b": 1}, kind="trace", cv=1, seconds=100.0, trace=file, seed=0, most=1_000)
    assert found == [(0.5, "a"), (0.75, "b"), (2.0, "a")]


def test_rates_are_shared_by_those_that_have_none_of_their_own() -> None:
    assert parse_rates(["a", "b=30", "c"], 100) == {"a": 50, "b": 30, "c": 50}
    for given, words in ((["a", "a"], "twice"), (["a=x"], "finite number"), (["a=-1"], "finite number")):
        with pytest.raises(ValueError, match=words):
            parse_rates(given, 100)


def test_what_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="belong together"):
        due("poisson", trace=tmp_path / "x")
    with pytest.raises(ValueError, match="at most 1,000,000 requests"):
        due("poisson", rate_rps=1e6)
    (tmp_path / "late").write_text("500\n", encoding="utf-8")
    with pytest.raises(ValueError, match="no request is due"):
        due("trace", trace=tmp_path / "late")


def test_the_histogram_counts_every_latency_once_and_marks_the_slo() -> None:
    latencies_ms = np.random.default_rng(1).lognormal(3, 0.7, 5_000)
    lines = histogram(latencies_ms, 25.0)
    counts = [int(line[22:].split()[0].replace(",", "")) for line in lines]
    assert sum(counts) == 5_000
    (marked,) = [line for line in lines if "<- SLO 25" in line]
    assert marked.split()[:3] == ["20", "..", "30"]
    assert len(histogram(np.array([12.0]))) == 1
    assert sum("█" in line for line in histogram(np.array([0.02, 3_000.0]))) == 2


def test_issuers_must_be_certificates(tmp_path: Path) -> None:
    file = tmp_path / "issuers.pem"
    file.write_text("none", encoding="utf-8")
    command = ["load", "https://127.0.0.1:9", "--model", "m", "--tls-ca", str(file)]
    found = CliRunner().invoke(app, command)
    assert found.exit_code == 2
    assert "--tls-ca: must hold certificates in PEM" in found.stderr


def test_options_of_tls_go_together(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    model = {"id": "m", "slo_us": 50_000, "latency_us": [0, 5_000]}
    spec.write_text(json.dumps({"id": "s", "plan_version": 1, "gpus": 1, "models": [model]}))
    for options, missing in (
        (["--tls-certificate", "/c"], "--tls-key"),
        (["--tls-key", "/k", "--tls-client-ca", "/ca"], "--tls-certificate"),
    ):
        found = CliRunner().invoke(app, ["dispatcher", "--spec", str(spec), *options])
        assert found.exit_code == 2
        assert f"{missing}: must be given with the other options of TLS" in found.stderr
