"""Describes how the collection's queries look."""

from pathlib import Path

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import read_corpus, read_split
from stages.lib.errors import UserError
from stages.lib.files import write_json
from stages.lib.llm.answers import DatasetRules
from stages.lib.llm.ask import ask
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers import provider
from stages.lib.llm.store import Store, journal_folder
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The train split; may be empty.")
@path_option("--prompt", help="The prompt's text.")
@path_option("--store", help="JSONL of responses.")
@path_option("--out", help="JSON file for the rules.")
@PARAMS
def main(corpus: Path, train: Path, prompt: Path, store: Path, out: Path, params: Path) -> None:
    """Let the LLM describe the collection's queries; it never sees dev or test."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    responses = Store(store, journal_folder())
    request = Prompts(prompt, settings.llm, settings.seed).rules(
        documents, read_split(train), settings.rules.documents, settings.rules.queries
    )
    asked = ask(
        [request],
        DatasetRules,
        provider(settings, documents),
        responses,
        settings.llm.attempts,
        concurrency=1,
        label="rules",
    )
    if not asked.answers:
        raise UserError(
            f"no usable description of the queries ({dict(asked.faults)}); raise llm.attempts or "
            "llm.max_tokens in params.yaml, or use another model"
        )
    responses.save()
    write_json(out, asked.answers[request.subject].model_dump())


if __name__ == "__main__":
    main()
