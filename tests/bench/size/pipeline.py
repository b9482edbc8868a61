"""Every stage of the pipeline on generated documents: time, processor and peak memory of each.

python -m tests.bench.size.pipeline FOLDER 100000 [--base models/base] [--layers 2]

FOLDER becomes a clone of the project with a collection of its own: documents of sixty words out of
the sample's, and 200 test queries, each of six words of a document, the rarest. The parameters are
those that the README advises for large corpora, and the extractive provider writes queries for
1,000 documents. With --layers the encoder is the first layers of the base: encoding costs what the
model costs, and this shows what is around it in less time.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import yaml

from stages.lib.core.collection import read_corpus, write_qrels
from stages.lib.core.files import write_jsonl
from tests.bench.size.edited import PARAMS, write_collection
from tests.imports import ROOT

QUERIES, WORDS = 200, 6
ADVISED = {
    "embed.sentences": False,
    "mine.neighbours": 0,
    "train.tower": "query",
    "generate.documents": 1000,
    "judge_dev.queries": 0,
    "llm.provider": "extractive",
    "prepare.source": "beir",
    "prepare.path": "beir",
    "base.model": "encoder",
    "base.sha256": None,
}


def write_queries(folder: Path) -> None:
    """Test queries of rare words of a document each, which is the only answer known."""
    corpus = read_corpus(folder / "corpus.jsonl")
    frequency = Counter(word for each in corpus.values() for word in set(each.text.split()))
    queries, qrels = {}, {}
    for number, doc_id in enumerate(list(corpus)[:: max(1, len(corpus) // QUERIES)][:QUERIES]):
        words = dict.fromkeys(corpus[doc_id].text.rstrip(".").split())
        rarest = sorted(words, key=lambda word: (frequency[word], word))[:WORDS]
        queries[f"q{number}"] = " ".join(rarest)
        qrels[f"q{number}"] = {doc_id: 1}
    rows = ({"_id": query_id, "text": text} for query_id, text in queries.items())
    write_jsonl(folder / "queries.jsonl", rows)
    (folder / "qrels").mkdir()
    write_qrels(folder / "qrels" / "test.tsv", qrels)


def clone(folder: Path) -> None:
    """The project without the outputs of its sample, with the parameters for many documents."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    for name, value in ADVISED.items():
        section, key = name.split(".")
        params[section][key] = value
    path.write_text(yaml.safe_dump(params))
    (folder / "dvc.lock").unlink(missing_ok=True)


def write_encoder(folder: Path, base: Path, layers: int | None) -> None:
    """The base, or its first layers."""
    from stages.lib.encoding.encoder import load_encoder
    from stages.lib.params import read_params

    model = load_encoder(base, read_params(PARAMS).encoder)
    if layers:
        transformer: Any = model[0]
        inner = transformer.auto_model
        inner.encoder.layer = inner.encoder.layer[:layers]
        inner.config.num_hidden_layers = layers
    model.save(str(folder), create_model_card=False)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=False))
@click.argument("documents", type=int)
@click.option("--base", type=click.Path(path_type=Path), default="models/base", show_default=True)
@click.option("--layers", type=int, help="Of the base, from the first on.  [default: all]")
def main(folder: Path, documents: int, base: Path, layers: int | None) -> None:
    """Print a line a stage."""
    clone(folder)
    # by a process of its own: a stage's peak counts what this one held when it began
    writer = get_context("spawn").Process(
        target=write_encoder, args=(folder / "encoder", base, layers)
    )
    writer.start()
    writer.join()
    write_collection(folder / "beir", documents)
    write_queries(folder / "beir")
    stages = yaml.safe_load((folder / "dvc.yaml").read_text())["stages"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    total = 0.0
    for stage in stages:
        start = time.monotonic()
        command = ["dvc", "repro", "--quiet", "--single-item", stage]
        with (folder / f"{stage}.log").open("w") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
            _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        total += wall
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
        click.echo(f"{stage:16}{wall:8.1f} s {cpu:8.1f} s CPU {peak:8,.0f} MB")
        if status:
            raise click.ClickException(f"{stage} failed: see {folder}/{stage}.log")
    click.echo(f"{len(stages)} stages, {total / 60:.1f} minutes")


if __name__ == "__main__":
    main()
