"""Says what the LLM's part of the pipeline will cost, without calling it."""

from collections.abc import Sequence
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.answering.estimate import estimate_answers
from stages.lib.core.collection import Corpus, Texts, read_corpus, read_split
from stages.lib.core.generated import read_generated
from stages.lib.distillation.texts import texts_to_learn
from stages.lib.embedders.estimate import Estimate as OfVectors
from stages.lib.embedders.estimate import estimate
from stages.lib.llm.environment import Environment
from stages.lib.llm.estimate import Estimate, estimates, summed
from stages.lib.llm.judging import PLAN, read_plan
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.spending import Purse
from stages.lib.llm.storage.store import Store
from stages.lib.params import Params, read_params
from stages.lib.people.reviews import good_examples, read_decisions
from stages.lib.sources.queries.answers import read_answers
from stages.lib.synthetic.estimate import estimates_of_tasks
from stages.lib.synthetic.writer import Writer

STAGES = ("rules", "generate", "judge_dev", "expand", "answer", "brainstorm", "examples")


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--test", help="The collection's test split: what answer and others would ask of it.")
@path_option("--answers", help="The collection's reference answers.")
@path_option("--train", help="The collection's train split.")
@path_option("--dev", help="The collection's dev split.")
@path_option("--synthetic", help="The synthetic train split; need not be there yet.")
@path_option("--judged", help="What judge_dev left; need not be there yet.")
@path_option("--reviews", help="Folder of what people decided about queries; may be empty.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--stores", help="Folder of the stages' responses.")
@PARAMS
def main(
    corpus: Path,
    test: Path,
    answers: Path,
    train: Path,
    dev: Path,
    synthetic: Path,
    judged: Path,
    reviews: Path,
    prompts: Path,
    stores: Path,
    params: Path,
) -> None:
    """Count the calls that are not stored, and estimate their tokens and price."""
    settings = read_params(params)
    by_dev = [split for split in (dev, judged, synthetic.parent / "dev") if split.is_dir()]
    embedders(settings, corpus, train, by_dev, test, synthetic, stores)
    if not PROVIDERS[settings.llm.provider].paid:
        click.echo(f"llm.provider is {settings.llm.provider}: no call is paid for")
        return
    documents, human = read_corpus(corpus), read_split(train)
    selected = read_split(synthetic) if synthetic.is_dir() else None
    writer = Prompts(prompts, settings.llm, settings.seed)
    journal = Environment.read().journal
    responses = {name: Store(stores / f"{name}.jsonl", journal) for name in STAGES}
    plan = read_plan(judged / PLAN, settings.judge_dev, documents)
    examples = []
    if settings.generate.reviewed_examples:
        examples = good_examples(read_decisions(reviews), documents)
    rows = list(
        estimates(
            settings, documents, human, read_split(dev), selected, plan, writer, responses, examples
        )
    )
    if settings.answer.enabled:
        split = read_split(test) or read_split(dev)
        store, references = responses["answer"], read_answers(answers)
        rows.append(estimate_answers(settings, documents, split, references, prompts, store))
    tasks = Writer(prompts, settings.llm, settings.seed)
    rows += estimates_of_tasks(settings, tasks, documents, responses)
    report(rows, settings)


def embedders(
    params: Params,
    corpus: Path,
    train: Path,
    dev: Sequence[Path],
    test: Path,
    synthetic: Path,
    stores: Path,
) -> None:
    """Prints a line for the documents and the queries of each model behind an endpoint."""
    documents = Texts(read_corpus(corpus))
    choosing = [text for split in dev for text in read_split(split).queries.values()]
    of_documents = {"embed_documents": params.documents}
    others = {f"others/{one.name}": one for one in params.evaluate.others}
    for step, model in (of_documents | others).items():
        if not model.model or model.provider != "openai":
            continue
        price = params.prices.models.get(model.model)
        queries: dict[str, Sequence[str]] = {}
        if step in of_documents:
            if synthetic.is_dir():
                splits = (synthetic, train)
                queries["distill"] = to_learn(params, read_corpus(corpus), splits, synthetic.parent)
            if params.adapt.kind != "none":
                queries["adapt"] = choosing
        measuring = [*choosing, *read_split(test).queries.values()]
        queries["others/documents" if step in of_documents else step] = measuring
        tell(
            step, estimate(model, model.document_prefix, documents, stores / f"{step}.jsonl", price)
        )
        asked: set[str] = set()
        for name, texts in queries.items():
            # what an earlier stage asked for is in the journal by then
            new = [text for text in dict.fromkeys(texts) if text not in asked]
            asked.update(new)
            found = estimate(model, model.query_prefix, new, stores / f"{name}.jsonl", price)
            tell(f"{name}, queries", found)


def tell(name: str, found: OfVectors) -> None:
    """Prints what a model's vectors of some texts would cost."""
    money = "no price of it in prices.models" if found.money is None else f"{found.money:.4f}"
    click.echo(f"{name}: {found.texts:,} texts, {found.tokens:,.0f} tokens, {money}")


def to_learn(params: Params, corpus: Corpus, splits: Sequence[Path], synthetic: Path) -> list[str]:
    """What the stage distill would ask for."""
    asked = [
        text
        for split in (*splits, synthetic / "dev")
        for text in read_split(split).queries.values()
    ]
    asked += [query.text for query in read_generated(synthetic / "unlabelled.jsonl")]
    return texts_to_learn(asked, corpus, params.distill.sentences, params.seed)


def report(by_stage: Sequence[Estimate], settings: Params) -> None:
    """Prints a line a stage, and the sum."""
    price = settings.prices.models.get(settings.llm.model)
    batch = settings.llm.mode == "batch"
    purse = Purse(price, settings.prices.batch_factor if batch else 1.0, None)
    click.echo(f"{'':10}{'questions':>10}{'calls':>10}{'tokens in':>12}{'out':>12}{'money':>10}")
    for row in (*by_stage, summed(by_stage)):
        money = f"{purse.cost(row.prompt_tokens, row.completion_tokens):10.4f}" if price else ""
        click.echo(
            f"{row.stage:10}{row.questions:10,}{row.calls:10,.0f}{row.prompt_tokens:12,.0f}"
            f"{row.completion_tokens:12,.0f}{money}{'  at most' if row.at_most else ''}"
        )
    if not price:
        click.echo(f"prices.models has no entry for {settings.llm.model!r}: tokens only")
    if any(row.calls and not row.measured_on for row in by_stage):
        click.echo(
            "Where no answers of this model are stored, 4 characters a token and answers of the "
            "usual length are assumed; generate.documents=20 first gives measured figures."
        )


if __name__ == "__main__":
    main()
