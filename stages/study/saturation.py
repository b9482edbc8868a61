"""Trains on a quarter, half and all of the queries, and shows what each reached."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.examples import Mined, read_mined
from stages.lib.core.files import has_files, write_json, writing
from stages.lib.encoding.adapter import quantisation
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.evaluation.plots import saturation
from stages.lib.evidence import DevSet, dev_sets, measure
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.search.weights import Floats
from stages.lib.training.choice import choose, measured, searched
from stages.lib.training.contest import contest
from stages.lib.training.saturation import SHARES, part
from stages.lib.training.students import student


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--mined", help="Folder with training rows.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--judged", help="The dev split that an LLM judged; may be empty.")
@path_option("--test", help="The test split, which is shown and chooses nothing; may be empty.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--distilled", help="The query encoder for documents.model; empty where none is.")
@path_option("--document-vectors", help="The vectors of documents.model.")
@path_option("--out", help="Folder for the figures and the picture.")
@PARAMS
def main(
    corpus: Path,
    mined: Path,
    dev: Path,
    synthetic_dev: Path,
    judged: Path,
    test: Path,
    model: Path,
    vectors: Path,
    distilled: Path,
    document_vectors: Path,
    out: Path,
    params: Path,
) -> None:
    """Tell whether more queries are worth their price: nDCG@10 as served, by share of queries."""
    settings = read_params(params)
    documents, mining = read_corpus(corpus), read_mined(mined)
    by_people, by_llm = read_split(dev), read_split(judged)
    synthetic = read_split(synthetic_dev)
    sets = dev_sets(by_people, by_llm, synthetic, documents)
    shown = [*sets]
    if split := read_split(test):
        shown.append(DevSet("test", split, sets[0].weighs))
    lexical = load_lexical(documents, settings)
    others = has_files(distilled)
    encoder = towers(distilled if others else model)[0]
    of_documents = load_vectors(document_vectors if others else vectors, documents)

    def row(queries: Mined) -> dict[str, Any]:
        """What training on these queries reaches, by the set that it is measured on."""
        loading = quantisation(settings.train.lora)
        query_encoder = load_encoder(encoder, settings.encoder, loading)
        tuned = student(query_encoder, documents, of_documents, queries.train, settings)
        with_dev = bool(by_people) and not by_llm
        _, competing = contest(tuned, queries, settings, with_dev=with_dev)
        standings = measured(
            tuned, competing, lexical, sets, settings, synthetic, len(queries.train)
        )
        chosen = choose(standings).candidate
        search = searched(tuned, chosen, synthetic)
        beside, learnt = standings[0].evidence.weight.dense, chosen.learnt
        evidence = measure(search, lexical, shown, settings, learnt=learnt, beside=beside)
        return {
            "queries": len(queries.train),
            "chosen": chosen.name,
            **{name: _summary(values) for name, values in evidence.served.items()},
        }

    figures = []
    for share in SHARES:
        figures.append(row(part(mining, share, settings.seed)))
        click.echo(line(figures[-1], [one.name for one in shown]))
    write_json(out / "saturation.json", figures)
    with writing(out / "saturation.svg") as file:
        file.write(saturation(figures, [one.name for one in shown]))
    click.echo(f"Picture: {out / 'saturation.svg'}")


def line(figures: dict[str, Any], names: list[str]) -> str:
    """A share's figures in a line."""
    cells = "".join(
        f"  {name} {figures[name]['ndcg_cut_10']:.4f} +- {figures[name]['half_interval']:.4f}"
        for name in names
    )
    return f"{figures['queries']:7,} queries:{cells}  ({figures['chosen']})"


def _summary(values: Floats) -> dict[str, float]:
    """A mean with half of its 95% interval."""
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return {
        "ndcg_cut_10": round(float(values.mean()), 6),
        "half_interval": round(1.96 * error, 6),
        "n": len(values),
    }


if __name__ == "__main__":
    main()
