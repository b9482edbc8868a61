"""How often a language model's scores put a positive above negatives, and how long they take.

    python -m tests.bench.lm_scores MODEL --journal FILE [--queries 50] [--negatives 3] [--whole]

Queries are drawn by hash from data/mined with their positive and its hardest negatives. The answer
is the sentence of the positive that shares most words with the query; it is taken out of the
positive, which may win by holding it, but for `--whole`.
"""

import argparse
import json
import time
from pathlib import Path

from stages.lib.core.seeds import shuffled
from stages.lib.core.text import jaccard, sentences
from stages.lib.llm.storage.store import Store
from stages.lib.params import read_params
from stages.lib.scoring.scorer import Local
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind
from stages.rows.score_rows import score_rows


def drawn(count: int, negatives: int, seed: int, *, whole: bool) -> list[Row]:
    """Rows of the sample with an answer."""
    text = Path("data/mined/train.jsonl").read_text(encoding="utf-8")
    by_query = {line["query"]: line for line in map(json.loads, text.splitlines())}
    rows: list[Row] = []
    for query in shuffled(seed, by_query, "lm_scores"):
        line = by_query[query]
        parts = sentences(line["pos"][0]) if line["pos"] else []
        if len(parts) < 3 or len(line["neg"]) < negatives:
            continue
        answer = max(parts, key=lambda part: jaccard(part, query))
        positive = line["pos"][0] if whole else line["pos"][0].replace(answer, "")
        row = Row(query=query, pos=[positive], neg=line["neg"][:negatives], answers=[answer])
        rows.append(row)
        if len(rows) == count:
            break
    return rows


def main() -> None:
    """Prints the shares and the time."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--negatives", type=int, default=3)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--journal", type=Path, required=True)
    arguments = parser.parse_args()
    settings = read_params(Path("params.yaml"))
    rows = drawn(arguments.queries, arguments.negatives, settings.seed, whole=arguments.whole)
    kind = read_kind(Path("stages/presets/tasks"), "qa", {}, "qa")
    began, used = time.perf_counter(), time.process_time()
    scorer = Local(arguments.model)
    store = Store(arguments.journal.with_suffix(".jsonl"), arguments.journal)
    scored = score_rows(Task("sample", kind, rows), scorer, store, settings)
    wins = [
        row.teacher_scores[0] > other
        for row in scored
        if row.teacher_scores
        for other in row.teacher_scores[1:]
    ]
    best = [max(row.teacher_scores or []) == (row.teacher_scores or [0])[0] for row in scored]
    print(f"{len(rows)} queries, {len(rows) * (1 + arguments.negatives)} documents")
    print(f"a positive above a negative: {sum(wins)}/{len(wins)} = {sum(wins) / len(wins):.3f}")
    print(f"a positive above all its negatives: {sum(best)}/{len(best)}")
    print(f"{time.perf_counter() - began:.0f} s, {time.process_time() - used:.0f} s of a core")


if __name__ == "__main__":
    main()
