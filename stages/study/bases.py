"""Prints how untuned embedders do here, as the stage `others` measured, and how fast they are."""

import time
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import stream_corpus
from stages.lib.core.files import read_json
from stages.lib.embedders.embedder import Embedder
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.embedders.stock import ADAPTED, BASE, DOCUMENTS
from stages.lib.encoder_params import EmbedderModel
from stages.lib.errors import UserError
from stages.lib.params import Params, read_params

DOCUMENTS_TIMED, QUERIES_TIMED = 64, 20
"""Enough for two digits."""


@stage
@path_option("--metrics", help="What the stage others left.")
@path_option("--corpus", help="corpus.jsonl, of which some documents are timed.")
@path_option("--base", help="The base model.")
@path_option("--documents", help="Folder of documents.model.")
@path_option("--models", help="Folder of the other models.")
@PARAMS
def main(
    metrics: Path, corpus: Path, base: Path, documents: Path, models: Path, params: Path
) -> None:
    """Print a line a model: nDCG@10 on dev beside the base's, size, speed and licence."""
    rows = read_json(metrics).get("rows", [])
    if not rows:
        raise UserError(
            "params.yaml: evaluate.others: names no model to compare with the base; list some"
        )
    settings = read_params(params)
    texts = [document.contents for _, document in islice(stream_corpus(corpus), DOCUMENTS_TIMED)]
    sections = sections_of(settings)
    places = {BASE: base, DOCUMENTS: documents, ADAPTED: documents}
    for dev in rows[0]["dense"]:
        click.echo(f"On {rows[0]['dense'][dev]['n']} {dev} dev queries, nDCG@10:")
        click.echo(
            f"{'':12}{'dense':>9}{'beside the base':>20}{'with BM25':>12}{'beside the base':>20}"
        )
        for row in rows:
            cells = (cell(row[kind][dev], row["name"]) for kind in ("dense", "served"))
            click.echo(f"{row['name']:12}{''.join(cells)}".rstrip())
        click.echo("")
    click.echo(
        f"{'':12}{'dimensions':>11}{'bytes':>8}{'ms a query':>12}{'texts a second':>16}  licence"
    )
    for row in rows:
        section = sections[row["name"]]
        figures = f"{'by its endpoint':>28}"
        if section.provider == "local":
            place = places.get(row["name"], models / row["name"])
            millis, rate = speed(LocalEmbedder(place, section), texts)
            figures = f"{millis:12.1f}{rate:16.1f}"
        click.echo(
            f"{row['name']:12}{row['dimensions']:11,}{row['bytes']:8,}{figures}  {row['licence']}"
        )
    click.echo("\nSpeeds are this machine's. Another base is a line in params.yaml: base.model.")


def cell(figures: Mapping[str, float], name: str) -> str:
    """A mean, and how far it is from the base's, with half of the 95% interval."""
    beside = f"{figures['difference']:+.4f} +- {figures['half_interval']:.4f}"
    return f"{figures['ndcg_cut_10']:10.4f}{beside if name != BASE else '':>21}"


def sections_of(params: Params) -> dict[str, EmbedderModel]:
    """How each model is loaded, by its name in the rows."""
    base: dict[str, Any] = params.encoder.model_dump() | params.base.model_dump(
        include={"model", "revision"}
    )
    return {
        BASE: EmbedderModel(**base, provider="local", dimensions=0),
        DOCUMENTS: params.documents,
        ADAPTED: params.documents,
        **{other.name: other for other in params.evaluate.others},
    }


def speed(embedder: Embedder, texts: list[str]) -> tuple[float, float]:
    """Milliseconds a query, each by itself, and documents a second, together."""
    queries = [" ".join(text.split()[:8]) for text in texts[:QUERIES_TIMED]]
    embedder.queries(queries)  # the first call sets things up
    start = time.perf_counter()
    for query in queries:
        embedder.queries([query])
    asked = time.perf_counter()
    embedder.documents(texts)
    return 1000 * (asked - start) / len(queries), len(texts) / (time.perf_counter() - asked)


if __name__ == "__main__":
    main()
