"""Writes queries for documents."""

from pathlib import Path

import click

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import read_corpus, read_split
from stages.lib.errors import UserError
from stages.lib.files import read_json, write_json, write_jsonl
from stages.lib.llm.answers import SyntheticQueries
from stages.lib.llm.ask import ask
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers import provider
from stages.lib.llm.store import Store, journal_folder
from stages.lib.params import read_params
from stages.lib.synthesis import rows, sources


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The train split; may be empty.")
@path_option("--rules", help="JSON file with the rules.")
@path_option("--prompt", help="The prompt's text.")
@path_option("--store", help="JSONL of responses.")
@path_option("--out", help="JSONL for the queries.")
@path_option("--metrics", help="JSON file for the counts.")
@click.option("--concurrency", default=32, envvar="EMBEDSMITH_CONCURRENCY", help="Calls at a time.")
@PARAMS
def main(
    corpus: Path,
    train: Path,
    rules: Path,
    prompt: Path,
    store: Path,
    out: Path,
    metrics: Path,
    concurrency: int,
    params: Path,
) -> None:
    """Write several queries of several types for each document."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    responses = Store(store, journal_folder())
    requests = Prompts(prompt, settings.llm, settings.seed).queries(
        sources(documents, settings.generate, settings.seed),
        read_json(rules)["rules"],
        settings.generate.types,
        documents,
        read_split(train),
        settings.generate.few_shot,
    )
    asked = ask(
        requests,
        SyntheticQueries,
        provider(settings, documents),
        responses,
        settings.llm.attempts,
        concurrency,
        label="generate",
    )
    queries = rows(asked.answers, settings.generate.types)
    if not queries:
        raise UserError(
            f"{settings.llm.provider}: no query for any of {asked.counts['asked']} documents; "
            "check llm.provider and generate.types in params.yaml"
        )
    responses.save()
    write_jsonl(out, queries)
    write_json(
        metrics,
        {
            "provider": settings.llm.provider,
            "uses_llm": settings.llm.provider != "extractive",
            "documents": asked.counts["asked"],
            "answered": len(asked.answers),
            "unanswerable": asked.counts["unanswerable"],
            "given_up": asked.counts["given_up"],
            "queries": len(queries),
            "faults": dict(sorted(asked.faults.items())),
            "prompt_tokens": asked.counts["prompt_tokens"],
            "completion_tokens": asked.counts["completion_tokens"],
        },
    )


if __name__ == "__main__":
    main()
