"""The model card: what a model is, how it is used, of what it was made, and how good it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from stages.lib.export.embedder import Embedder
from stages.lib.params import Params
from stages.lib.publishing.assembly import FILES
from stages.lib.search.measures import HEADLINE, NAMES

HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")

SYSTEMS = {
    "bm25": "BM25",
    "base": "the base",
    "tuned": "**this model**",
    "base+bm25": "the base, fused with BM25",
    "tuned+bm25": "**this model, fused with BM25**",
    "int8": "this model as int8",
    "served": "**as served in Vespa**",
}


@dataclass(frozen=True, slots=True)
class Made:
    """Of what a model was made.

    Args:
        corpus: sha256 of the corpus,
        queries: and of the queries that were written for it.
        writer: who wrote these.

    """

    corpus: str
    queries: str
    writer: str


def model_card(
    params: Params,
    embedders: Mapping[str, Embedder],
    made: Made,
    evaluation: Mapping[str, Any],
    export: Mapping[str, Any],
    *,
    place: str,
    on_hub: bool,
    vectors: bool,
    local: bool,
) -> str:
    """The card in Markdown, with the front matter that the Hugging Face hub reads.

    Args:
        params: all parameters.
        embedders: the exported variants' settings by their folder.
        made: of what the model was made.
        evaluation: what `evaluate` measured.
        export: what `export` measured.
        place: where the model is: a folder, or its name on the hub,
        on_hub: where it is the latter.
        vectors: whether vectors of the documents belong to it.
        local: whether its document encoder does; else that is behind an endpoint.

    """
    environment = Environment(  # noqa: S701 - Markdown, of the pipeline's own words and figures
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"text": json.dumps, "points": lambda value: f"{value:.4f}"}
    first = next(iter(embedders.values()))
    front = {
        "license": params.export.licence,
        "base_model": _model(params.base.model),
        "pipeline_tag": "sentence-similarity",
        "library_name": "sentence-transformers",
        "tags": ["sentence-transformers", "sentence-similarity", "feature-extraction"],
    }
    return environment.get_template("card.md").render(
        front=yaml.safe_dump(front, sort_keys=False).strip(),
        base=_model(params.base.model),
        place=place,
        on_hub=on_hub,
        two=any(folder.startswith("query/") for folder in embedders),
        vectors=vectors,
        local=local,
        document_prefix=params.document_encoder.document_prefix,
        first=first,
        pooled=first.pooling == "none",
        source=_source(params),
        made=made,
        types=", ".join(params.generate.types),
        params=params,
        evaluation=evaluation,
        measures=NAMES,
        headline=HEADLINE,
        systems=[
            (label, evaluation["systems"][name])
            for name, label in SYSTEMS.items()
            if name in evaluation["systems"]
        ],
        comparisons=[
            (SYSTEMS[name], SYSTEMS[row["against"]], row)
            for name, row in evaluation["comparisons"].items()
            if name in ("served", "tuned", "tuned+bm25")
        ],
        new=evaluation.get("new_documents"),
        variants=[_variant(folder, each, export) for folder, each in embedders.items()],
        parameters=yaml.safe_dump(_parameters(params), sort_keys=False).strip(),
    )


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


def _variant(folder: str, embedder: Embedder, export: Mapping[str, Any]) -> dict[str, Any]:
    tower = folder.removesuffix(embedder.variant).strip("/") or "."
    row, gate = export["parity"][tower][embedder.variant], export["gate"][embedder.variant]
    return {
        "file": (Path(tower) / "onnx" / FILES[embedder.variant]).as_posix(),
        "hash": embedder.hash,
        "bytes": row["bytes"],
        "min_cosine": row["min_cosine"],
        "mean_cosine": row["mean_cosine"],
        "verdict": "yes" if gate["passed"] else f"no, left out: {gate['reason']}",
    }
