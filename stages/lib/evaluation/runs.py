"""TREC run files: query_id Q0 doc_id rank score tag."""

import math
from pathlib import Path

import numpy as np

from stages.lib.core.files import read_lines, writing
from stages.lib.errors import UserError
from stages.lib.search.engine import Run
from stages.lib.search.metrics import strict


def write_run(path: Path, run: Run, tag: str) -> None:
    """Writes a run whose float32 scores strictly decrease, so that every reader ranks alike."""
    with writing(path) as file:
        for query_id in sorted(run):
            for rank, (doc_id, score) in enumerate(strict(run[query_id]).items(), 1):
                file.write(f"{query_id} Q0 {doc_id} {rank} {score:.9g} {tag}\n")


def read_run(path: Path) -> Run:
    """Reads a run in trec_eval's order, whatever the ranks say.

    That is by float32 score, and ties by doc_id from the last to the first.

    Raises:
        UserError: a line has not six columns or no number in the fifth, or a document comes twice.

    """
    run: Run = {}
    for number, line in read_lines(path):
        try:
            query_id, _, doc_id, _, text, _ = line.split()
            score = float(text)
            if not math.isfinite(score):
                raise ValueError(text)
        except ValueError as error:
            raise UserError(
                f"{path}:{number}: expected six columns: query_id Q0 doc_id rank score tag"
            ) from error
        ranking = run.setdefault(query_id, {})
        if doc_id in ranking:
            raise UserError(f"{path}:{number}: {doc_id} is in query {query_id} twice; keep one")
        ranking[doc_id] = score
    return {
        query_id: dict(
            sorted(ranking.items(), key=lambda hit: (np.float32(hit[1]), hit[0]), reverse=True)
        )
        for query_id, ranking in run.items()
    }
