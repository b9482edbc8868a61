"""How often a system's first passages hold an answer, as LLM-Embedder measures question answering.

    python -m tests.bench.tasks.answer_in_passage [--answers FILE]

The rows are those of `make export-rows RUN=…`: test queries with a reference answer, and what a run
found as keys. The default answers are words that stand in a passage which was judged to answer
(spans.jsonl); data/sample/answers.jsonl has the references as they are, in words of their own.
"""

import argparse
from pathlib import Path

import numpy as np

from stages.lib.core.collection import read_corpus, read_split
from stages.lib.evaluation.runs import read_run
from stages.lib.params import read_params
from stages.lib.search.bootstrap import interval
from stages.lib.sources.queries.answers import read_answers
from stages.lib.tasks.collection import evaluation_rows
from stages.lib.tasks.measures import holds

SPANS = Path(__file__).with_name("spans.jsonl")
CUTOFFS = (1, 5, 10, 20)
PAIRS = (("base", "tuned"), ("base+bm25", "tuned+bm25"))


def main() -> None:
    """Prints a line a pair of systems and cutoff."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=Path, default=SPANS)
    answers = read_answers(parser.parse_args().answers)
    corpus = read_corpus(Path("data/collection/corpus.jsonl"))
    test = read_split(Path("data/collection/test"))
    settings = read_params(Path("params.yaml"))
    hits: dict[str, list[list[bool]]] = {}
    for system in {system for pair in PAIRS for system in pair}:
        run = read_run(Path(f"data/evaluation/runs/{system}.trec"))
        rows = evaluation_rows(test, corpus, answers, run, max(CUTOFFS))
        asked = [row for row in rows if row.answers]
        hits[system] = [[holds(text, row.answers or ()) for text in row.key or ()] for row in asked]
    held = [
        any(holds(one.contents, texts) for one in corpus.values()) for texts in answers.values()
    ]
    print(f"{sum(held)} of {len(held)} answers stand in a passage")
    for before, after in PAIRS:
        for cutoff in CUTOFFS:
            old, new = (
                np.array([any(hit[:cutoff]) for hit in hits[system]], dtype=np.float64)
                for system in (before, after)
            )
            low, high = interval(new - old, settings.evaluate.resamples, settings.seed)
            print(
                f"{after} beside {before}, answer_{cutoff}: n {len(old)}, {old.mean():.3f} to "
                f"{new.mean():.3f}, {(new - old).mean():+.3f} ({low:+.3f} to {high:+.3f})"
            )


if __name__ == "__main__":
    main()
