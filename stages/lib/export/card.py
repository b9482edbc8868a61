"""The model card: what an exported model is, of what it was made, and how good it is."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stages.lib.export.embedder import Embedder
from stages.lib.params import Params
from stages.lib.search.measures import HEADLINE, NAMES

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


def model_card(
    params: Params,
    embedders: Mapping[str, Embedder],
    corpus: str,
    writer: str,
    metrics: Mapping[str, Any],
) -> str:
    """The card in Markdown, with the front matter that the Hugging Face hub reads.

    Args:
        params: all parameters.
        embedders: the exported variants' settings by their folder.
        corpus: sha256 of the corpus.
        writer: who wrote the queries.
        metrics: of the export.

    """
    front = {
        "license": params.export.licence,
        "base_model": _model(params.base.model),
        "pipeline_tag": "sentence-similarity",
        "library_name": "onnx",
    }
    first = next(iter(embedders.values()))
    lines = [
        "---",
        yaml.safe_dump(front, sort_keys=False).strip(),
        "---",
        "",
        f"# {_model(params.base.model)}, tuned to a collection",
        "",
        f"- Base: {_model(params.base.model)}, revision {params.base.revision}",
        f"- Weights of the base: sha256 {params.base.sha256 or 'not checked'}",
        f"- Licence of the base: {params.export.licence}",
        f"- Vectors: {first.dimension} dimensions, pooling {first.pooling}, unit length",
        f"- Input: at most {first.max_tokens} tokens; queries after "
        f"{json.dumps(first.query_prefix)}, documents after {json.dumps(first.document_prefix)}",
        "",
        f"- Tuned to: a corpus with sha256 {corpus}, from {_source(params)}",
        f"- Training queries: by {writer}; {', '.join(params.generate.types)}",
        "",
        "## Variants",
        "",
        "| folder | content hash | bytes | least cosine to torch | mean | may serve |",
        "|---|---|---|---|---|---|",
        *(_variant(folder, embedder, metrics) for folder, embedder in embedders.items()),
        "",
        _retrieval(metrics["dev"]),
        "int8 is the same on processors with and without VNNI, but for the rounding of floats.",
        "",
        "## Parameters",
        "",
        "```yaml",
        yaml.safe_dump(_parameters(params), sort_keys=False).strip(),
        "```",
    ]
    return "\n".join(lines) + "\n"


def _parameters(params: Params) -> dict[str, Any]:
    kept = params.model_dump(mode="json", include={"seed", "encoder", "mine", "train", "export"})
    if params.mine.cross_encoder:
        kept["mine"]["cross_encoder"] = _model(params.mine.cross_encoder)
    return kept


def _source(params: Params) -> str:
    if params.prepare.source == "ir_datasets":
        return params.prepare.dataset
    # a path tells of a machine, and of who uses it
    return f"a folder ({params.prepare.source})"


def _model(model: str) -> str:
    """A model's name on the hub; of a folder its last part."""
    return model if HUB_NAME.fullmatch(model) and not Path(model).is_dir() else Path(model).name


def _variant(folder: str, embedder: Embedder, metrics: Mapping[str, Any]) -> str:
    tower = folder.removesuffix(embedder.variant).strip("/") or "."
    row = metrics["parity"][tower][embedder.variant]
    gate = metrics["gate"][embedder.variant]
    verdict = "yes" if gate["passed"] else f"no: {gate['reason']}"
    return (
        f"| {folder} | {embedder.hash} | {row['bytes']} | {row['min_cosine']:.6f} "
        f"| {row['mean_cosine']:.6f} | {verdict} |"
    )


def _retrieval(dev: Mapping[str, Any]) -> str:
    figures = ", ".join(f"{name} {value:.4f}" for name, value in dev[HEADLINE].items())
    return (
        f"{NAMES[HEADLINE]} on {dev['queries']} dev queries ({dev['by']}) over "
        f"{dev['documents']} documents: {figures}. The figures on test queries are in data/metrics."
    )
