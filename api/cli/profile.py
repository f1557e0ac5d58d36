"""``fermata profile``: what models cost on GPU types; look up, fit, measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.output import ExitCode, emit, fail, read_text, talk

if TYPE_CHECKING:
    from profiles.catalogue import Catalogue
    from profiles.fit import AffineFit
    from profiles.profile import Profile

app = typer.Typer(
    help="Profiles: look up the catalogue, fit measured times, measure a model.", no_args_is_help=True
)

AsJson = Annotated[bool, typer.Option("--json", help="The answer as JSON.")]
BATCH_SIZES_SHOWN = (1, 8)
MIB_PER_GIB = 1024


@app.command()
def show(
    model: Annotated[
        str | None, typer.Argument(help="A model of the catalogue; all of them if left out.")
    ] = None,
    gpu_type: Annotated[str | None, typer.Option(help="Only profiles on this GPU type.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    What the catalogue knows, and from where.

    With --json a profile has the form that planning problems take under "profiles".

    Example: fermata profile show ResNet50 --gpu-type T4
    """
    from profiles.catalogue import load_catalogue

    catalogue = load_catalogue()
    if gpu_type is not None and gpu_type not in catalogue.gpu_types:
        _unknown("GPU type", gpu_type, list(catalogue.gpu_types))
    if model is not None and model not in catalogue.models:
        _unknown("model", model, list(catalogue.models))
    types = [gpu_type] if gpu_type else list(catalogue.gpu_types)
    if model is None:
        models = [m for m in catalogue.models if any(catalogue.profile(m, t) for t in types)]
        emit(_list_json(catalogue, models), as_json=as_json, human=lambda: _print_list(catalogue, models))
        return
    found = [profile for t in types if (profile := catalogue.profile(model, t))]
    if not found:
        fail(
            f"the catalogue has no profile of {model} on {gpu_type}",
            hint=f"it has one on {', '.join(catalogue.gpu_types_of(model))}",
        )
    emit(
        _model_json(catalogue, model, found),
        as_json=as_json,
        human=lambda: _print_model(catalogue, model, found),
    )


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(help="CSV file with the columns batch and latency_ms.")],
    as_json: AsJson = False,
) -> None:
    """
    Fit l(b) = alpha b + beta to measured batch times; a poor fit is refused with exit status 1.

    Relative errors are made small, so that small batches count as much as large ones.

    Example: fermata profile fit measured.csv --json
    """
    from profiles.faults import InputInvalid
    from profiles.fit import FitRefused, fit_affine
    from profiles.points_csv import parse_points

    text = read_text(file)
    try:
        points = parse_points(text)
        fitted = fit_affine(points)
    except InputInvalid as error:
        raise InputInvalid(str(file), error.faults) from error
    except FitRefused as refusal:
        data = {"accepted": False, **_fit_json(refusal.fit), "reasons": list(refusal.reasons)}
        emit(data, as_json=as_json, human=lambda: None)
        fail(f"{file}: fit refused: {refusal}", hint=_instead(points))
    data = {"accepted": True, **_fit_json(fitted), "reasons": []}
    emit(data, as_json=as_json, human=lambda: _print_fit(fitted))


@app.command()
def measure(
    model: Annotated[
        Path, typer.Argument(help="ONNX or PyTorch file; the first dimension of every input must be free.")
    ],
    batch_sizes: Annotated[str, typer.Option(help="Batch sizes, separated by commas.")] = "1,2,4,8,16",
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of each batch size.")] = 30,
    warmup: Annotated[int, typer.Option(min=0, help="Runs before them that are not timed.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Threads that one run may use.")] = 1,
    tensors: Annotated[
        list[str] | None,
        typer.Option(
            "--input", help="An input of TorchScript, NAME:DATATYPE:SHAPE; once for each.", show_default=False
        ),
    ] = None,
    statistic: Annotated[str, typer.Option(help="What stands for the repeats: median or p95.")] = "median",
    gpu_type: Annotated[
        str | None,
        typer.Option(help="The type to file the profile under; cpu, or the GPU's own name, if left out."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the profile there, for a problem's profiles.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """
    Run a model over batch sizes on this machine and print its profile.

    ONNX on the CPU; PyTorch (an exported program or TorchScript) on the first visible GPU, else the CPU. The
    curve is affine where that describes the times well, else a table of them.

    Example: fermata profile measure model.onnx --batch-sizes 1,2,4,8,16 --output profile.json
    """
    from api.cli.measuring import measure_file
    from dispatcher.backends.measure import Statistic
    from profiles.codec import profile_to_json

    if statistic not in list(Statistic):
        fail(f"--statistic: must be median or p95, got {statistic!r}", code=ExitCode.BAD_INPUT)
    sizes = _sizes(batch_sizes)
    if not model.is_file():
        fail(f"cannot read {model}: no such file", code=ExitCode.BAD_INPUT)
    if not as_json:
        talk.print(f"measuring {model} at batch sizes {', '.join(map(str, sizes))} ...")
    settings = {"repeats": repeats, "warmup": warmup, "threads": threads}
    measurement = measure_file(model, sizes, tensors or (), **settings)
    profile = measurement.profile(gpu_type, Statistic(statistic))
    data = profile_to_json(profile)
    if output:
        try:
            output.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            fail(f"cannot write {output}: {error.strerror}")
    emit(data, as_json=as_json, human=lambda: _print_measured(profile))


def _sizes(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit() and 0 < len(part) < 7)]
    if wrong:
        fail(
            f"--batch-sizes: must be whole numbers separated by commas, got {wrong[0]!r}",
            hint="as in --batch-sizes 1,2,4,8",
            code=ExitCode.BAD_INPUT,
        )
    return [int(part) for part in parts]


def _unknown(what: str, name: str, known: list[str]) -> None:
    from difflib import get_close_matches

    by_lower = {k.lower(): k for k in known}
    close = [by_lower[k] for k in get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)]
    hint = f"did you mean {', '.join(close)}?" if close else "fermata profile show lists what there is"
    fail(f"unknown {what} {name!r}", hint=hint, code=ExitCode.BAD_INPUT)


def _instead(points: list[tuple[int, float]]) -> str:
    """What to do with points that no affine curve describes."""
    from profiles.fit import FitRefused, tabulate
    from profiles.latency import TabulatedCurve

    try:
        curve = tabulate(points).curve
    except FitRefused as refusal:
        return f"measure again with more repeats on an idle device; no table either: {refusal}"
    assert isinstance(curve, TabulatedCurve)
    knots = zip(curve.batch_sizes, curve.latencies_us, strict=True)
    table = json.dumps([[size, round(us / 1_000, 6)] for size, us in knots])
    return f'give the profile a table instead of alpha_ms and beta_ms: "latency_ms": {table}'


def _fit_json(fitted: AffineFit | None) -> dict[str, Any]:
    if fitted is None:
        return {}
    return {
        "alpha_ms": round(fitted.alpha_us / 1_000, 6),
        "beta_ms": round(fitted.beta_us / 1_000, 6),
        "mape": round(fitted.mape, 6),
        "error_max": round(fitted.error_max, 6),
        "points": fitted.points_count,
        "batch_size_min": fitted.batch_size_min,
        "batch_size_max": fitted.batch_size_max,
    }


def _list_json(catalogue: Catalogue, models: list[str]) -> dict[str, Any]:
    from profiles.codec import gpu_type_to_json

    return {
        "gpu_types": [
            gpu_type_to_json(g) | {"price_source": g.price_source, "memory_source": g.memory_source}
            for g in catalogue.gpu_types.values()
        ],
        "models": [
            _facts_json(catalogue, model) | {"gpu_types": list(catalogue.gpu_types_of(model))}
            for model in models
        ],
    }


def _facts_json(catalogue: Catalogue, model: str) -> dict[str, Any]:
    facts = catalogue.models[model]
    return {
        "id": facts.id,
        "kind": facts.kind,
        "input": facts.input,
        "parameters_m": facts.parameters_m,
        "parameters_source": facts.parameters_source,
        "workspace_rule": facts.workspace_rule,
    }


def _model_json(catalogue: Catalogue, model: str, found: list[Profile]) -> dict[str, Any]:
    from profiles.codec import profile_to_json

    return _facts_json(catalogue, model) | {"profiles": {p.gpu_type: profile_to_json(p) for p in found}}


def _print_list(catalogue: Catalogue, models: list[str]) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    width = max(len(model) for model in models)
    for model in models:
        facts = catalogue.models[model]
        types = ", ".join(catalogue.gpu_types_of(model))
        size = f"{facts.parameters_m:g} M"
        console.print(f"{model:<{width}}  {facts.kind:<8}  {facts.input:<22}  {size:>9}  {types}")
    counts = ", ".join(f"{len(catalogue.models_on(g))} on {g}" for g in catalogue.gpu_types)
    talk.print(f"{len(models)} models shown; the catalogue has {len(catalogue.models)}: {counts}")


def _print_model(catalogue: Catalogue, model: str, found: list[Profile]) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    facts = catalogue.models[model]
    console.print(f"{model}: {facts.kind}, {facts.input}, {facts.parameters_m:g} million parameters")
    console.print(f"  parameters: {facts.parameters_source}")
    console.print(f"  workspace:  {facts.workspace_rule}")
    for profile in found:
        price = catalogue.gpu_types[profile.gpu_type].price_usd_per_hour
        console.print(f"on {profile.gpu_type} ({price:g} $/h)")
        _print_profile(console, profile)


def _print_profile(console: Any, profile: Profile) -> None:
    sizes = sorted({*(b for b in BATCH_SIZES_SHOWN if b < profile.batch_size_max), profile.batch_size_max})
    times = ", ".join(f"l({b}) = {profile.curve.latency_us(b) / 1_000:.3f} ms" for b in sizes)
    rate = profile.curve.throughput_rps(profile.batch_size_max)
    provenance = profile.provenance
    console.print(f"  curve:      {_curve_text(profile)}, error {profile.mape:.1%}")
    console.print(f"  times:      {times}; {rate:.0f} requests/s at batches of {profile.batch_size_max}")
    console.print(
        f"  memory:     {profile.weights_gib:.3f} GiB of weights, "
        f"{profile.workspace_gib_per_item * MIB_PER_GIB:.2f} MiB of workspace a request"
    )
    console.print(
        f"  engine:     {provenance.engine}, {provenance.precision.value}, on {provenance.measured_on}"
    )
    licence = f" ({provenance.licence})" if provenance.licence else ""
    console.print(
        f"  {provenance.kind.value + ':':<11} {provenance.source} @ {provenance.revision[:20]}{licence}"
    )


def _curve_text(profile: Profile) -> str:
    from profiles.latency import AffineCurve

    curve = profile.curve
    if isinstance(curve, AffineCurve):
        return f"l(b) = {curve.alpha_us / 1_000:.4f} b + {curve.beta_us / 1_000:.4f} ms"
    sizes = curve.batch_sizes
    return f"table of {len(sizes)} batch sizes from {sizes[0]} to {sizes[-1]}"


def _print_fit(fitted: AffineFit) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"alpha  {fitted.alpha_us / 1_000:.6g} ms a request")
    console.print(f"beta   {fitted.beta_us / 1_000:.6g} ms a batch")
    console.print(f"error  {fitted.mape:.2%} on the mean (MAPE), {fitted.error_max:.2%} at most")
    sizes = f"{fitted.batch_size_min} to {fitted.batch_size_max}"
    console.print(f"from   {fitted.points_count} points at batch sizes {sizes}")


def _print_measured(profile: Profile) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for batch_size, us in profile.points:
        console.print(f"  batch {batch_size:>5}  {us / 1_000:>10.3f} ms")
    _print_profile(console, profile)
