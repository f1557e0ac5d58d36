"""The shipped catalogue: how much there is, that it hangs together, that every number has a source."""

from __future__ import annotations

import csv
from importlib import resources

import pytest

from profiles.catalogue import Catalogue, load_catalogue
from profiles.fit import MAPE_MAX, fit_affine
from profiles.latency import AffineCurve
from profiles.memory import weights_gib
from profiles.profile import Profile

EXTRAPOLATION_MAX = 2


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def fitted_here(catalogue: Catalogue) -> list[Profile]:
    return [p for p in catalogue.profiles.values() if p.points]


def test_how_much_there_is(catalogue: Catalogue) -> None:
    """Golden: the catalogue is built once from frozen data; a change here is a change of its rules."""
    counts = {gpu_type: len(catalogue.models_on(gpu_type)) for gpu_type in catalogue.gpu_types}
    assert counts == {"A10": 8, "A100-80GB": 30, "T4": 101, "V100": 218}
    assert len(catalogue.models) == 233
    assert sum(model.kind == "language" for model in catalogue.models.values()) == 20
    assert sum(len(catalogue.gpu_types_of(model)) >= 2 for model in catalogue.models) == 101
    assert sum(isinstance(p.curve, AffineCurve) for p in catalogue.profiles.values()) == 297


def test_reading_it_twice_is_reading_it_once() -> None:
    assert load_catalogue() is load_catalogue()


def test_profiles_name_models_and_gpu_types_that_are_there(catalogue: Catalogue) -> None:
    for (model, gpu_type), profile in catalogue.profiles.items():
        assert (profile.model, profile.gpu_type) == (model, gpu_type)
        assert model in catalogue.models
        assert gpu_type in catalogue.gpu_types
    assert all(catalogue.gpu_types_of(model) for model in catalogue.models)
    assert list(catalogue.models) == sorted(catalogue.models)


def test_lookup_of_what_is_not_there_is_none(catalogue: Catalogue) -> None:
    assert catalogue.profile("AlexNet", "A10") is None
    assert catalogue.profile("no such model", "T4") is None


def test_every_model_has_kind_input_count_and_their_sources(catalogue: Catalogue) -> None:
    for model in catalogue.models.values():
        assert model.kind in {"vision", "language"}
        assert model.input
        assert model.parameters_m > 0
        assert model.parameters_source
        assert model.workspace_rule


def test_every_gpu_type_has_a_price_and_says_where_and_when(catalogue: Catalogue) -> None:
    for gpu_type in catalogue.gpu_types.values():
        assert gpu_type.price_usd_per_hour > 0
        assert "eastus" in gpu_type.price_source
        assert "2026-06-18" in gpu_type.price_source
        assert gpu_type.memory_source
        assert 0 < gpu_type.reserve_gib < gpu_type.memory_gib


def test_every_profile_says_where_it_comes_from(catalogue: Catalogue) -> None:
    for profile in catalogue.profiles.values():
        provenance = profile.provenance
        assert provenance.source
        assert len(provenance.revision) == 40
        assert provenance.licence == "Apache-2.0"
        assert provenance.measured_on
        assert provenance.engine


def test_every_line_has_a_field_for_every_column() -> None:
    for name in ("sources.csv", "models.csv", "profiles.csv", "gpu_types.csv"):
        lines = list(csv.reader(data(name).splitlines()))
        assert {len(line) for line in lines} == {len(lines[0])}, name


def test_every_number_column_names_its_unit() -> None:
    known = ("_ms", "_gib", "_gib_per_item", "_s", "_m", "_usd_per_hour", "mape", "batch_size_max")
    words = {
        "model", "gpu_type", "kind", "input", "parameters_source", "workspace_rule", "engine", "precision",
        "measured_on", "source", "path", "licence", "price_source", "memory_source",
    }  # fmt: skip
    for name in ("models.csv", "profiles.csv", "gpu_types.csv"):
        header = data(name).splitlines()[0].split(",")
        assert [column for column in header if column not in words and not column.endswith(known)] == []


def test_every_source_has_its_note_and_licence_beside_the_data(catalogue: Catalogue) -> None:
    for source in catalogue.sources.values():
        note = data(source.folder, "SOURCE.txt")
        assert source.repository in note
        assert source.commit in note
        assert source.licence in note
        assert len(data(source.folder, "LICENSE")) > 1_000


def test_curves_are_the_fits_of_their_own_points(catalogue: Catalogue) -> None:
    for profile in fitted_here(catalogue):
        if isinstance(profile.curve, AffineCurve):
            fit = fit_affine(profile.points)
            assert fit.alpha_us == pytest.approx(profile.curve.alpha_us, abs=0.001)
            assert fit.beta_us == pytest.approx(profile.curve.beta_us, abs=0.001)
            assert fit.mape == pytest.approx(profile.mape, abs=1e-4)


def test_no_poor_fit_is_shipped(catalogue: Catalogue) -> None:
    assert all(profile.mape <= MAPE_MAX for profile in catalogue.profiles.values())


def test_batches_stay_near_what_was_measured_and_within_memory(catalogue: Catalogue) -> None:
    for profile in catalogue.profiles.values():
        if profile.points:
            measured = max(batch_size for batch_size, _ in profile.points)
            allowed = EXTRAPOLATION_MAX * measured if isinstance(profile.curve, AffineCurve) else measured
            assert profile.batch_size_max <= allowed
        usable_gib = catalogue.gpu_types[profile.gpu_type].usable_gib
        assert profile.memory_gib(profile.batch_size_max) <= usable_gib


def test_weights_are_parameters_at_the_profile_s_precision(catalogue: Catalogue) -> None:
    for profile in catalogue.profiles.values():
        parameters_m = catalogue.models[profile.model].parameters_m
        expected = weights_gib(parameters_m, profile.provenance.precision)
        assert profile.weights_gib == pytest.approx(expected, abs=1e-6)


def test_resnet50_on_t4_is_what_paddleclas_published(catalogue: Catalogue) -> None:
    profile = catalogue.profile("ResNet50", "T4")
    assert profile is not None
    assert profile.points == ((1, 2638.24), (4, 4638.02), (8, 7024.44))
    assert profile.curve.latency_us(8) == pytest.approx(7024.44, rel=0.012)


def data(*path: str) -> str:
    return resources.files("profiles").joinpath("data", *path).read_text(encoding="utf-8")
