"""Says what the LLM's part of the pipeline will cost, without calling it."""

from collections.abc import Iterator
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Corpus, Split, read_corpus, read_split
from stages.lib.llm import judging
from stages.lib.llm.answers import Question
from stages.lib.llm.environment import Environment
from stages.lib.llm.estimate import Estimate, estimate
from stages.lib.llm.prompts import Prompts, examples
from stages.lib.llm.spending import Purse
from stages.lib.llm.store import Store
from stages.lib.llm.synthesis import sources
from stages.lib.params import Params, read_params

PLACEHOLDER = ["A rule of the usual length. " * 4] * 5
"""In the place of rules that nobody has asked for yet."""


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The collection's train split.")
@path_option("--synthetic", help="The synthetic train split; need not be there yet.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--stores", help="Folder of the stages' responses.")
@PARAMS
def main(
    corpus: Path, train: Path, synthetic: Path, prompts: Path, stores: Path, params: Path
) -> None:
    """Count the calls that are not stored, and estimate their tokens and price."""
    settings = read_params(params)
    if settings.llm.provider != "openai":
        click.echo(f"llm.provider is {settings.llm.provider}: no call is paid for")
        return
    documents, human = read_corpus(corpus), read_split(train)
    selected = read_split(synthetic) if synthetic.is_dir() else None
    writer = Prompts(prompts, settings.llm, settings.seed)
    report(list(estimates(settings, documents, human, selected, writer, stores)), settings)


def estimates(
    settings: Params,
    corpus: Corpus,
    human: Split,
    selected: Split | None,
    writer: Prompts,
    stores: Path,
) -> Iterator[Estimate]:
    """An estimate for each stage that asks the LLM."""
    journal, attempts = Environment.read().journal, settings.llm.attempts
    rules = settings.rules.fixed
    if not rules:
        question = writer.rules(corpus, human, settings.rules)
        store = Store(stores / "rules.jsonl", journal)
        found, answers = estimate("rules", [question], store, attempts)
        yield found
        parts = answers[question.request.subject]
        rules = [parts[place] for place in sorted(parts)] if not found.calls else PLACEHOLDER
    chosen = sources(corpus, settings.generate, settings.seed)
    shown = examples(corpus, human, settings.seed)
    documents = (corpus[doc_id] for doc_id in chosen)
    questions = writer.queries(documents, rules, shown, settings.generate)
    found, _ = estimate("generate", questions, Store(stores / "generate.jsonl", journal), attempts)
    yield found
    if settings.expand.enabled:
        store = Store(stores / "expand.jsonl", journal)
        most = len(chosen) * len(settings.generate.types)
        count = len(selected.queries) if selected and not found.calls else most
        asked = _expected_judgements(settings, corpus, human, count, writer)
        found, _ = estimate("expand", asked, store, attempts)
        found.at_most = True
        yield found


def _expected_judgements(
    settings: Params, corpus: Corpus, human: Split, queries: int, writer: Prompts
) -> Iterator[Question[int]]:
    """Questions like those that expand will ask; which documents they show is not known yet."""
    params, doc_ids = settings.expand, list(corpus)
    queries = min(queries, params.queries or queries) + min(len(human.qrels), params.compared)
    depth = min(params.depth, len(corpus))
    found = {
        f"query {number}": [
            doc_ids[(number * depth + rank) % len(doc_ids)] for rank in range(depth)
        ]
        for number in range(queries)
    }
    texts = dict.fromkeys(found, "a query of the usual length, words of which matter little")
    return judging.questions(writer, corpus, texts, found, params.documents_per_call)


def report(found: list[Estimate], settings: Params) -> None:
    """Prints a line a stage, and the sum."""
    price = settings.prices.models.get(settings.llm.model)
    batch = settings.llm.mode == "batch"
    purse = Purse(price, settings.prices.batch_factor if batch else 1.0, None)
    click.echo(f"{'':10}{'questions':>10}{'calls':>10}{'tokens in':>12}{'out':>12}{'money':>10}")
    total = Estimate("all")
    for each in [*found, total]:
        if each is not total:
            total.questions += each.questions
            total.calls += each.calls
            total.prompt_tokens += each.prompt_tokens
            total.completion_tokens += each.completion_tokens
            total.at_most |= each.at_most
        money = f"{purse.cost(each.prompt_tokens, each.completion_tokens):10.4f}" if price else ""
        click.echo(
            f"{each.stage:10}{each.questions:10,}{each.calls:10,.0f}{each.prompt_tokens:12,.0f}"
            f"{each.completion_tokens:12,.0f}{money}{'  at most' if each.at_most else ''}"
        )
    if not price:
        click.echo(f"prices.models has no entry for {settings.llm.model!r}: tokens only")
    if any(each.calls and not each.measured_on for each in found):
        click.echo(
            "Where no answers of this model are stored, 4 characters a token and answers of the "
            "usual length are assumed; generate.documents=20 first gives measured figures."
        )


if __name__ == "__main__":
    main()
