"""How often a language model's scores put a positive above negatives, and how long they take.

    python -m tests.bench.tasks.lm_scores MODEL --journal FILE [--negatives 4] [--answers sentence]

The queries are those of training to which the sample has recorded answers, written in other words
than the documents', with the positive and the hardest negatives that data/mined has of them. The
answer `sentence` is the sentence of the positive that shares most words with the query, and
`without` the same, taken out of the positive.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from stages.lib.core.text import jaccard, sentences
from stages.lib.llm.storage.store import Store
from stages.lib.params import read_params
from stages.lib.scoring.scorer import Local
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind
from stages.rows.score_rows import score_rows

RECORDED = Path("data/sample/llm/query_answers.jsonl")


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def drawn(answers: str, negatives: int) -> list[Row]:
    """Rows of the sample with an answer."""
    by_query = {line["query"]: line for line in lines(Path("data/mined/train.jsonl"))}
    rows = []
    for given in (one for line in lines(RECORDED) for one in line["answers"]):
        if given["query"] not in by_query:  # of dev
            continue
        line, answer = by_query[given["query"]], given["text"]
        positive = line["pos"][0]
        if answers != "written":
            answer = max(sentences(positive), key=lambda part: jaccard(part, given["query"]))
        if answers == "without":
            positive = positive.replace(answer, "")
        documents = line["neg"][:negatives]
        rows.append(Row(query=given["query"], pos=[positive], neg=documents, answers=[answer]))
    return rows


def main() -> None:
    """Prints the shares and the time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--negatives", type=int, default=4)
    parser.add_argument("--answers", choices=["written", "sentence", "without"], default="written")
    parser.add_argument("--journal", type=Path, required=True)
    arguments = parser.parse_args()
    settings = read_params(Path("params.yaml"))
    rows = drawn(arguments.answers, arguments.negatives)
    kind = read_kind(Path("stages/presets/tasks"), "qa", {}, "qa")
    began, used = time.perf_counter(), time.process_time()
    scorer = Local(arguments.model)
    store = Store(arguments.journal.with_suffix(".jsonl"), arguments.journal)
    scored = score_rows(Task("sample", kind, rows), scorer, store, settings)
    scores = [row.teacher_scores or [] for row in scored]
    wins = [first > other for first, *others in scores for other in others]
    best = sum(first > max(others) for first, *others in scores)
    print(f"{len(rows)} queries, {len(rows) * (1 + arguments.negatives)} documents")
    print(f"a positive above a negative: {sum(wins)}/{len(wins)} = {sum(wins) / len(wins):.3f}")
    print(f"a positive above all its negatives: {best}/{len(scores)}")
    print(f"{time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of a core")


if __name__ == "__main__":
    main()
