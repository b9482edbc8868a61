"""Lets the LLM judge retrieved documents, where the parameters ask for it."""

from pathlib import Path
from typing import Any

import click

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import Qrels, read_corpus, read_split, write_qrels
from stages.lib.files import building, write_json
from stages.lib.judging import agreement, expand, grades, requests
from stages.lib.llm.answers import RelevanceJudgements
from stages.lib.llm.ask import ask
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers import provider
from stages.lib.llm.store import Store, journal_folder
from stages.lib.params import read_params
from stages.lib.retrievers import load_retrievers
from stages.lib.search import Embedded


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The collection's train split, to measure agreement with people.")
@path_option("--synthetic", help="The synthetic train split.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--prompt", help="The prompt's text.")
@path_option("--store", help="JSONL of responses.")
@path_option("--out", help="Folder for qrels.tsv and ignored.tsv.")
@path_option("--metrics", help="JSON file for the counts.")
@click.option("--concurrency", default=32, envvar="EMBEDSMITH_CONCURRENCY", help="Calls at a time.")
@PARAMS
def main(
    corpus: Path,
    train: Path,
    synthetic: Path,
    model: Path,
    vectors: Path,
    prompt: Path,
    store: Path,
    out: Path,
    metrics: Path,
    concurrency: int,
    params: Path,
) -> None:
    """Grade retrieved documents 0..3; without `expand.enabled` the qrels pass through."""
    settings = read_params(params)
    split = read_split(synthetic)
    responses = Store(store, journal_folder())
    qrels, ignored = split.qrels, Qrels()
    counts: dict[str, Any] = {"enabled": settings.expand.enabled}
    if settings.expand.enabled:
        documents = read_corpus(corpus)
        engine = Embedded(load_retrievers(documents, model, vectors, settings).fused)
        # the train split's own queries are judged too, to compare with the people who judged them
        human = read_split(train)
        ranking = engine.search(split.queries | human.queries, settings.expand.depth)
        prompts = Prompts(prompt, settings.llm, settings.seed)
        asked = ask(
            [
                *requests(
                    prompts, documents, split.queries, ranking, settings.expand, settings.seed
                ),
                *requests(
                    prompts, documents, human.queries, ranking, settings.expand, settings.seed
                ),
            ],
            RelevanceJudgements,
            provider(settings, documents),
            responses,
            settings.llm.attempts,
            concurrency,
            label="expand",
        )
        judged = grades(asked.answers, ranking)
        qrels, ignored = expand(split.qrels, judged)
        counts |= {
            "calls": asked.counts["asked"],
            "given_up": asked.counts["given_up"],
            "positives": sum(map(len, qrels.values())) - sum(map(len, split.qrels.values())),
            "ignored": sum(map(len, ignored.values())),
            "agreement": agreement(judged, human.qrels),
        }
    responses.save()
    with building(out) as folder:
        write_qrels(folder / "qrels.tsv", qrels)
        write_qrels(folder / "ignored.tsv", ignored)
    write_json(metrics, counts)


if __name__ == "__main__":
    main()
