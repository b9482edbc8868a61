"""Whether a language model beats the fusion as teacher, on dev and on the judged test queries.

    python -m tests.bench.tasks.lm_teacher MODEL --journal FILE [--depth 10]

Dev is what chooses the teacher: the synthetic dev queries that copy least, with the recorded
answers of the sample, written from the document that a query is for. The test queries are those
with a reference answer, which started from a need, and not from a document.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from stages.lib.core.collection import Split, read_corpus, read_split
from stages.lib.llm.storage.store import Store
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.scoring.likelihood import LocalLikelihood
from stages.lib.search.bootstrap import interval
from stages.lib.search.weights import by_query, choose_weight, least_overlapping
from stages.lib.sources.queries.answers import read_answers
from stages.lib.teaching.best_sentence import load_best_sentence
from stages.lib.teaching.language_model import Reader
from stages.lib.teaching.teacher import Answered, Material, Teacher
from stages.lib.teaching.teachers import build_teachers

RECORDED = Path("data/sample/llm/query_answers.jsonl")


def recorded() -> dict[str, str]:
    """The recorded answers by the query's text."""
    lines = map(json.loads, RECORDED.read_text(encoding="utf-8").splitlines())
    return {one["query"]: one["text"] for line in lines for one in line["answers"]}


def part(split: Split, answers: dict[str, str]) -> Split:
    """The queries with an answer."""
    queries = {name: text for name, text in split.queries.items() if text in answers}
    return Split(queries, {name: split.qrels[name] for name in queries})


def line(name: str, split: Split, before: Teacher, after: Teacher, seed: int) -> None:
    """Prints both means, the difference with its interval, and how many queries changed."""
    old, new = (by_query(teacher.rank(split.queries), split) for teacher in (before, after))
    low, high = interval(new - old, 10_000, seed)
    better, worse = int((new > old).sum()), int((new < old).sum())
    error = float(np.std(new - old, ddof=1) / len(old) ** 0.5)
    print(
        f"{name}: n {len(old)}, fusion {old.mean():.3f}, language model {new.mean():.3f}, "
        f"{(new - old).mean():+.3f} ({low:+.3f} to {high:+.3f}), a standard error is {error:.3f}, "
        f"{better} better, {worse} worse",
        flush=True,
    )


def main() -> None:
    """Prints a line a set of queries."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--depth", type=int, default=10)
    arguments = parser.parse_args()
    settings = read_params(Path("params.yaml"))
    corpus = read_corpus(Path("data/collection/corpus.jsonl"))
    vectors = Path("data/vectors/base")
    dense = load_dense(corpus, Path("models/base"), vectors, settings)
    lexical = load_lexical(corpus, settings)
    choosing = least_overlapping(read_split(Path("data/synthetic/dev")), corpus)
    weight = choose_weight(dense, lexical, choosing, settings.fusion).dense
    sentences = load_best_sentence(vectors, dense)
    material = Material(corpus, dense, sentences, lexical, weight, Path(), settings.mine)
    fusion = build_teachers(material)[1]
    test = read_split(Path("data/collection/test"))
    references = read_answers(Path("data/collection/answers.jsonl"))
    of_test = {test.queries[name]: texts[0] for name, texts in references.items()}
    store = Store(arguments.journal.with_suffix(".jsonl"), arguments.journal)
    likelihood = LocalLikelihood(arguments.model, "MODEL", store, settings.scoring)
    answers = recorded() | of_test
    reader = Reader("lm", corpus, fusion, Answered(answers, likelihood), arguments.depth)
    began, used = time.perf_counter(), time.process_time()
    line("dev with an answer", part(choosing, answers), fusion, reader, settings.seed)
    line("all of dev that chooses", choosing, fusion, reader, settings.seed)
    print(f"{time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of a core")
    line("test with a reference", part(test, of_test), fusion, reader, settings.seed)


if __name__ == "__main__":
    main()
