"""Describes how the collection's queries look."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import write_json
from stages.lib.errors import UserError
from stages.lib.llm.asked import Asked
from stages.lib.llm.environment import Environment
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.rules import DEFAULT, Refusal, draws, settle
from stages.lib.llm.session import ask, ask_nothing
from stages.lib.params import read_params

SHOWN = 5
"""Refused rules that the terminal shows; the metrics have all."""


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The train split; may be empty.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="JSON file for the rules.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path, train: Path, prompts: Path, store: Path, out: Path, metrics: Path, params: Path
) -> str:
    """Let the LLM describe the collection's queries; it never sees dev or test."""
    settings = read_params(params)
    fixed, provider = settings.rules.fixed, settings.llm.provider
    if fixed or not PROVIDERS[provider].asks:
        ask_nothing(store)
        write_json(out, {"rules": fixed})
        counts = {"rules": len(fixed), "texts": fixed, "refused": []}
        write_json(metrics, {"provider": "fixed" if fixed else provider} | counts)
        return f"rules: {len(fixed)} rules of params.yaml, nothing asked"
    documents, human = read_corpus(corpus), read_split(train)
    writer = Prompts(prompts, settings.llm, settings.seed)
    questions = writer.rules(documents, human, settings.rules)
    asked = ask(questions, len(questions), documents, settings, store, "rules")
    written = draws({subject: parts for subject, [parts] in asked.answers.items()})
    rules, refused = settle(written)
    _show(refused)
    if not rules:
        fault = _fault(asked, refused)
        if settings.rules.fallback == "error":
            raise UserError(
                f"{fault}; all answers are kept in {Environment.read().journal}: to ask anew, "
                f"change {prompts / 'rules.txt'}, llm.model or llm.temperature; or write "
                "rules.fixed, or set rules.fallback to default"
            )
        click.echo(f"Warning: {fault}; the default rules are used", err=True)
        rules = DEFAULT
    write_json(out, {"rules": rules})
    counts = {
        "rules": len(rules),
        "texts": rules,
        "draws": len(written),
        "refused": list(map(asdict, refused)),
        "train_queries": len(human.queries),
    }
    write_json(metrics, {"provider": provider} | counts | asked.metrics())
    return f"rules: {len(rules)} rules of {len(written)} draws, {asked.summary()}"


def _show(refused: Sequence[Refusal]) -> None:
    for refusal in refused[:SHOWN]:
        click.echo(f"rules: not used, {refusal.why}: {refusal.rule}", err=True)
    if len(refused) > SHOWN:
        click.echo(f"rules: not used, {len(refused) - SHOWN} more", err=True)


def _fault(asked: Asked[str], refused: Sequence[Refusal]) -> str:
    if asked.answers:
        return f"rules: none of {len(refused)} rules that the LLM wrote is kept"
    such = f", such as {asked.sample!r}" if asked.sample else ""
    return f"llm.model: no usable description of the queries ({asked.faults_message()}){such}"


if __name__ == "__main__":
    main()
