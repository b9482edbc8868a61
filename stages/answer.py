"""Lets an LLM answer questions from base's and from tuned's passages, and measures the answers."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.core.files import building, has_files, read_json, write_json, write_jsonl
from stages.lib.errors import UserError
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import Session, ask_nothing
from stages.lib.params import Params, read_params
from stages.lib.sources.queries.answers import FILE, read_answers


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--synthetic", help="Folder of the synthetic splits, used where no other is judged.")
@path_option("--fusion", help="JSON file with the weights of the fusions with BM25.")
@path_option("--base", help="The base model.")
@path_option("--base-vectors", help="The base model's vectors of the corpus.")
@path_option("--onnx", help="The exported model.")
@path_option("--export", help="JSON file with the parity of the exported variants.")
@path_option("--tuned-vectors", help="The tuned model's vectors of the corpus.")
@path_option("--reader", help="The language model that reads references; may be empty.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="Folder for the answers, a row a question.")
@path_option("--metrics", help="JSON file for the measures and their comparison.")
@PARAMS
def main(
    collection: Path,
    synthetic: Path,
    fusion: Path,
    base: Path,
    base_vectors: Path,
    onnx: Path,
    export: Path,
    tuned_vectors: Path,
    reader: Path,
    prompts: Path,
    store: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Answer questions from both systems' passages; without answer.enabled, ask nothing."""
    settings = read_params(params)
    reason = why_not(settings)
    if reason:
        ask_nothing(store)
        with building(out) as folder:
            write_jsonl(folder / FILE, ())
        write_json(metrics, {"enabled": False})
        return f"answer: {reason}, nothing is asked"
    # imported here, for a stage that is off would do little else
    from stages.lib.answering import verdicts
    from stages.lib.answering.answers import REFERENCE, answers, drawn, judged_best, questions
    from stages.lib.answering.comparison import BASE, TUNED, changed, headline, rows, summary
    from stages.lib.answering.likelihood import KEY, log_probabilities
    from stages.lib.answering.measures import LIKELIHOOD, measured
    from stages.lib.answering.passages import PassagePrompts
    from stages.lib.evaluation.comparison import read_basis
    from stages.lib.evaluation.served import packaged, served_engine
    from stages.lib.export.folder import load_exported
    from stages.lib.retrievers import load_dense, load_lexical
    from stages.lib.scoring.causal import CausalModel

    corpus, basis = read_corpus(collection / "corpus.jsonl"), read_basis(collection, synthetic)
    wanted, split = settings.answer, basis.split
    known = read_answers(collection / FILE)
    asked = drawn(split, known, wanted.questions, settings.seed)
    texts = {query_id: split.queries[query_id] for query_id in asked}
    weights = read_json(fusion)
    lexical, profile = load_lexical(corpus, settings), settings.package
    untuned = load_dense(corpus, base, base_vectors, settings)
    variant = packaged(export, profile)
    tuned = load_exported(corpus, onnx, variant, tuned_vectors, settings)
    engines = {
        BASE: served_engine(untuned, lexical, weights["base"], profile),
        TUNED: served_engine(tuned, lexical, weights["tuned"], profile),
    }
    # before anything is paid for
    model = CausalModel(reader, KEY) if has_files(reader) else None
    runs = {name: engine.search(texts, wanted.passages) for name, engine in engines.items()}
    shown = {
        name: {query_id: list(ranking) for query_id, ranking in run.items()}
        for name, run in runs.items()
    }
    to_write = [query_id for query_id in asked if query_id not in known]
    if to_write:
        best = {name: judged_best(split, name, wanted.passages) for name in to_write}
        shown[REFERENCE] = {name: doc_ids for name, doc_ids in best.items() if doc_ids}

    writer = PassagePrompts(prompts, settings.llm)
    session = Session(corpus, settings, store, "answer")
    written = session.ask(questions(writer, corpus, texts, shown), sum(map(len, shown.values())))
    found = {name: answers(written.answers, texts, name, shown[name]) for name in shown}
    references = known | {name: [a.text] for name, a in found.pop(REFERENCE, {}).items()}
    whole = [
        name for name in asked if name in references and all(name in f for f in found.values())
    ]
    if not whole:
        raise UserError(
            f"no answer to any of {len(asked)} questions ({written.faults_message()}); set "
            "answer.enabled to false, or check llm.provider in params.yaml"
        )
    measures = {name: measured(found[name], references, split.qrels, whole) for name in engines}
    report: dict[str, object] = {"answers": written.metrics()}
    if wanted.verdicts:
        to_grade = list(verdicts.questions(writer, corpus, texts, references, found, whole))
        given = session.ask(to_grade, len(to_grade))
        grades = verdicts.graded(given.answers, texts, found, whole)
        measures = {name: measures[name] | grades[name] for name in measures}
        report |= {
            "verdicts": given.metrics(),
            "order_changed": verdicts.unsteady(given.answers),
        }
        written.spent += given.spent
    session.save()
    if model:
        read = {query_id: texts[query_id] for query_id in whole}
        of_engines = {name: shown[name] for name in engines}
        words = settings.llm.document_words
        likely = log_probabilities(model, corpus, read, references, of_engines, words)
        measures = {name: measures[name] | {LIKELIHOOD: likely[name]} for name in measures}
        report["language_model"] = wanted.language_model
    every = rows(texts, references, found, measures, whole)
    with building(out) as folder:
        write_jsonl(folder / FILE, every)
    figures = summary(measures, settings.evaluate.resamples, settings.seed)
    write_json(
        metrics,
        {
            "enabled": True,
            "measured_on": basis.label,
            "drawn": len(asked),
            "questions": len(whole),
            "references": "the collection's" if known else "the LLM's, from judged passages",
            "passages": wanted.passages,
            **figures,
            "shown": changed(every),
            **report,
        },
    )
    of = f"{len(whole):,} questions of {basis.name}"
    return f"answer: {of}, {headline(figures)}, {written.summary()}"


def why_not(settings: Params) -> str:
    """Why nothing is to be answered; empty where something is."""
    provider = settings.llm.provider
    if not settings.answer.enabled:
        return "answer.enabled is false"
    if not PROVIDERS[provider].uses_llm or not PROVIDERS[provider].asks:
        return f"llm.provider is {provider}"
    return ""


if __name__ == "__main__":
    main()
