"""Facts about models that the raw data do not hold: names, shapes, parameter counts and their publishers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transformer:
    """``tokens`` of one request and ``width``; for a generator also ``layers`` and ``tokens_out``."""

    tokens: int
    width: int
    layers: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """A model's published figures."""

    kind: str
    input: str
    parameters_m: float
    parameters_source: str
    shape: Transformer | None = None


BERT = "Devlin et al. 2019, arXiv 1810.04805"
GPT = "model's name in FasterTransformer docs/gpt_guide.md"
GPU_TYPES = {
    "T4": "T4",
    "V100": "V100",
    "V100-16GB": "V100",
    "V100-32GB": "V100",
    "A10": "A10",
    "A100": "A100-80GB",
    "A100-40GB": "A100-80GB",
    "A100-80GB": "A100-80GB",
}
"""The catalogue's type for the device that a source names; devices not named here are left out."""

DEVICES = {"V100": "V100 (memory size not stated)", "A100": "A100 (memory size not stated)"}
"""Where a source names the kind of device alone."""

FASTERTRANSFORMER_NAMES = {
    ("Swin-TINY", ""): "SwinTransformer_tiny_patch4_window7_224",
    ("Swin-SMALL", ""): "SwinTransformer_small_patch4_window7_224",
    ("Swin-BASE", ""): "SwinTransformer_base_patch4_window7_224",
    ("Swin-LARGE", ""): "SwinTransformer_large_patch4_window7_224",
    ("Swin-V2-TINY", ""): "SwinTransformerV2_tiny_window8_256",
    ("ViT-B_16-224", ""): "ViT_base_patch16_224",
    ("ViT-B_16-384", ""): "ViT_base_patch16_384",
    ("ViT-L_16-224", ""): "ViT_large_patch16_224",
    ("ViT-L_16", ""): "ViT_large_patch16_384",
    **{("BERT-base", str(n)): f"BERT_base_seq{n}" for n in (32, 128, 384)},
    **{("longformer", str(n)): f"Longformer_large_seq{n}" for n in (1024, 2048)},
    **{
        (f"GPT-{size}", f"{tokens}+{out}"): f"GPT_{size}_in{tokens}_out{out}"
        for size in ("350M", "1.3B", "6.7B")
        for tokens, out in ((128, 8), (512, 32))
    },
    **{
        ("GPT-20B", f"{tokens}+{out}"): f"GPT_20B_in{tokens}_out{out}"
        for tokens, out in ((20, 8), (60, 20), (128, 20), (80, 200), (200, 200))
    },
}
"""(model, length) as FasterTransformer's tables have them; several-GPU engines are left out elsewhere.
Longformer at 4096 tokens is left out: its row for batch 32 repeats the one of 2048 tokens."""

TRITON_NAMES = {
    "BERT/dist4l": "BERT_distilled_4L_seq384",
    "BERT/dist6l": "BERT_distilled_6L_seq384",
    "BERT/large": "BERT_large_seq384",
    "GPUNet/125ms-D": "GPUNet_D1_456",
}

FITTED_NAMES = {("Transformer-XL", "TensorFlow", "64"): "TransformerXL_base_seq64"}
"""(model, engine, shape) of rows whose points were not published with them, only tables elsewhere."""


def _bert(tokens: int, width: int, parameters_m: float, source: str) -> Published:
    return Published("language", f"{tokens} tokens", parameters_m, source, Transformer(tokens, width))


def _gpt(size: str, parameters_m: float, layers: int, width: int, tokens: int, out: int) -> Published:
    shape = Transformer(tokens, width, layers, out)
    return Published("language", f"{tokens} tokens in, {out} out", parameters_m, f"GPT-{size}: {GPT}", shape)


_GPT_SHAPES = {"350M": (350.0, 24, 1024), "1.3B": (1_300.0, 24, 2048), "6.7B": (6_700.0, 32, 4096)}

PUBLISHED: dict[str, Published] = {
    **{f"BERT_base_seq{n}": _bert(n, 768, 110.0, BERT) for n in (32, 128, 384)},
    "BERT_large_seq384": _bert(384, 1024, 340.0, BERT),
    "BERT_distilled_4L_seq384": _bert(
        384, 312, 14.5, "Jiao et al. 2020, arXiv 1909.10351 (TinyBERT 4 layers)"
    ),
    "BERT_distilled_6L_seq384": _bert(
        384, 768, 67.0, "Jiao et al. 2020, arXiv 1909.10351 (TinyBERT 6 layers)"
    ),
    **{
        f"Longformer_large_seq{n}": _bert(n, 1024, 435.0, "Hugging Face Transformers, longformer-large-4096")
        for n in (1024, 2048)
    },
    "TransformerXL_base_seq64": _bert(64, 512, 192.0, "NVIDIA DeepLearningExamples, Transformer-XL base"),
    **{
        f"GPT_{size}_in{tokens}_out{out}": _gpt(size, *shape, tokens, out)
        for size, shape in _GPT_SHAPES.items()
        for tokens, out in ((128, 8), (512, 32))
    },
    **{
        f"GPT_20B_in{tokens}_out{out}": _gpt("20B", 20_000.0, 44, 6144, tokens, out)
        for tokens, out in ((20, 8), (60, 20), (128, 20), (80, 200), (200, 200))
    },
    "GPUNet_D1_456": Published("vision", "image 456x456", 10.6, "Wang et al. 2022, arXiv 2205.00841"),
    "SwinTransformerV2_tiny_window8_256": Published(
        "vision", "image 256x256", 28.35, "timm results/benchmark-infer (swinv2_tiny_window8_256)"
    ),
}

GIGA_MULTIPLY_ADDS = {"GPUNet_D1_456": 3.66, "SwinTransformerV2_tiny_window8_256": 5.96}
"""Of the vision models above, from the same sources."""

_VIT_WIDTHS = {"tiny": 192, "small": 384, "base": 768, "large": 1024}


def vision_transformer(model: str, side: int) -> Transformer | None:
    """Shape of a plain vision transformer (ViT, DeiT) by its name; None for anything else."""
    if not model.startswith(("ViT_", "DeiT_")):
        return None
    size = model.split("_")[1]
    width = 768 if model.startswith("ViT_small") else _VIT_WIDTHS[size]  # PaddleClas' ViT small is 768 wide
    patch = 32 if "patch32" in model else 16
    return Transformer((side // patch) ** 2 + 1, width)
