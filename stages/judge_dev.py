"""Lets an LLM write hard dev queries and grade documents."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import (
    Corpus,
    Queries,
    Split,
    read_corpus,
    read_split,
    write_split,
)
from stages.lib.core.files import building, write_json
from stages.lib.judged.drawing import (
    DevQueries,
    additions,
    drawn,
    drawn_documents,
    nearest,
    pools,
)
from stages.lib.judged.student import early_student
from stages.lib.judged.verdict import counts, fault, judged_split
from stages.lib.llm import judging
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.rules import read_rules
from stages.lib.llm.session import Session, ask_nothing
from stages.lib.params import Params, read_params
from stages.lib.retrievers import Retrievers, load_retrievers
from stages.lib.search.engine import Embedded, Run
from stages.lib.teaching.best_sentence import load_best_sentence
from stages.lib.teaching.teacher import Material
from stages.lib.teaching.teachers import build_teachers


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--asked", help="The queries of held-out documents, before the round trip.")
@path_option("--synthetic", help="The synthetic train split, by which documents are enriched.")
@path_option("--dev", help="The dev split made by people, to compare the judge with them.")
@path_option("--rules", help="JSON file with the rules.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus and its sentences.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="Folder for the judged split, and for what was asked.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path,
    asked: Path,
    synthetic: Path,
    dev: Path,
    rules: Path,
    model: Path,
    vectors: Path,
    prompts: Path,
    store: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Judge dev queries; without an LLM that judges, leave the split empty and ask nothing."""
    settings = read_params(params)
    reason = why_not(settings)
    if reason:
        ask_nothing(store)
        write(out, Split(), judging.Plan({}, {}, {}, {}, {}), settings)
        write_json(metrics, {"fault": reason, "usable": 0})
        return f"judge_dev: {reason}, nothing is judged"
    documents, held_out, by_people = read_corpus(corpus), read_split(asked), read_split(dev)
    retrievers = load_retrievers(documents, model, vectors, settings)
    writer = Prompts(prompts, settings.llm, settings.seed)
    session = Session(documents, settings, store, "judge_dev")
    wanted, seed = settings.judge_dev, settings.seed

    groups = drawn_documents(held_out, wanted.hard_documents, seed)
    neighbours = nearest(groups, retrievers.dense.doc_ids, retrievers.dense.vectors)
    pairs = [(documents[doc_id], documents[other]) for doc_id, other in neighbours.items()]
    hard = session.ask(
        writer.hard(pairs, read_rules(rules), settings.generate.max_characters), len(pairs)
    )
    queries = DevQueries()
    queries.add_asked(held_out, wanted.queries - 2 * wanted.hard_documents, seed)
    queries.add_hard(hard.answers, groups)

    compared = drawn(by_people.qrels, wanted.compared, seed)
    texts = queries.split.queries | {name: by_people.queries[name] for name in compared}
    pooled = pools(
        texts,
        runs(texts, documents, retrievers, vectors, settings),
        queries.split.qrels,
        wanted.depth,
        seed,
    )
    student = early_student(retrievers.dense, read_split(synthetic), list(texts.values()))
    of_student = Retrievers(student, retrievers.lexical)
    further = [
        Embedded(scorer).search(texts, wanted.depth)
        for scorer in (student, of_student.fused(settings.fusion.dense_weight))
    ]
    plan = judging.Plan(
        neighbours,
        texts,
        queries.types | dict.fromkeys(compared, "by people"),
        pooled,
        additions(pooled, further, wanted.depth, seed),
    )
    per_call = wanted.documents_per_call
    judged = session.ask(
        (
            question
            for shown in (plan.pools, plan.additions)
            for question in judging.questions(writer, documents, texts, shown, per_call)
        ),
        judging.calls(plan.pools, per_call) + judging.calls(plan.additions, per_call),
    )
    session.save()

    grades = judging.grades(judged.answers)
    split = judged_split(queries, grades)
    report = counts(queries, grades, split)
    why = fault(queries, grades, split)
    if why:
        split = Split()
    write(out, split, plan, settings)
    of_people = {name: grades[name] for name in compared if name in grades}
    write_json(
        metrics,
        report
        | {
            "fault": why,
            "agreement": judging.agreement(of_people, by_people.qrels),
            "hard": hard.metrics(),
            "judgements": judged.metrics(),
        },
    )
    judged.spent += hard.spent
    if why:
        return f"judge_dev: {why}; no judged dev queries, {judged.summary()}"
    return (
        f"judge_dev: {report['usable']:,} of {report['drawn']:,} dev queries have a relevant "
        f"document, {report['documents']:,} documents graded, {judged.summary()}"
    )


def why_not(settings: Params) -> str:
    """Why nothing is to be judged; empty where something is."""
    provider = settings.llm.provider
    if not settings.judge_dev.queries:
        return "judge_dev.queries is 0"
    if not PROVIDERS[provider].uses_llm:
        return f"llm.provider is {provider}"
    if not PROVIDERS[provider].judges(settings):
        return f"no judgements are recorded in {settings.llm.recorded}"
    return ""


def runs(
    queries: Queries, corpus: Corpus, retrievers: Retrievers, vectors: Path, settings: Params
) -> list[Run]:
    """What the untuned systems find: BM25, base, both fused, teacher."""
    dense, lexical = retrievers.dense, retrievers.lexical
    weight, depth = settings.fusion.dense_weight, settings.judge_dev.depth
    scorers = (lexical, dense, retrievers.fused(weight))
    sentences = load_best_sentence(vectors, dense) if settings.embed.sentences else None
    # a cross-encoder or a language model costs too much for a pool
    cheap = settings.mine.model_copy(update={"cross_encoder": "", "language_model": ""})
    material = Material(corpus, dense, sentences, lexical, weight, Path(), cheap)
    teacher = build_teachers(material)[1]
    found = [Embedded(scorer).search(queries, depth) for scorer in scorers]
    return [*found, teacher.rank(queries)]


def write(out: Path, split: Split, plan: judging.Plan, settings: Params) -> None:
    """Writes the split, and beside it what was asked."""
    with building(out) as folder:
        write_split(folder, split)
        judging.write_plan(folder / judging.PLAN, plan, settings.judge_dev)


if __name__ == "__main__":
    main()
