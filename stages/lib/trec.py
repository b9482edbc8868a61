"""TREC run files: query_id Q0 doc_id rank score tag."""

from pathlib import Path

from stages.lib.errors import UserError
from stages.lib.files import read_lines, writing
from stages.lib.metrics import strict
from stages.lib.search import Run


def write_run(path: Path, run: Run, tag: str) -> None:
    """Writes a run whose float32 scores strictly decrease, so that every reader ranks alike."""
    with writing(path) as file:
        for query_id in sorted(run):
            for rank, (doc_id, score) in enumerate(strict(run[query_id]).items(), 1):
                file.write(f"{query_id} Q0 {doc_id} {rank} {score:.9g} {tag}\n")


def read_run(path: Path) -> Run:
    """Reads a run, best first by score whatever its ranks say, as trec_eval does."""
    run: Run = {}
    for number, line in read_lines(path):
        try:
            query_id, _, doc_id, _, score, _ = line.split()
            run.setdefault(query_id, {})[doc_id] = float(score)
        except ValueError as error:
            raise UserError(
                f"{path}:{number}: expected six columns: query_id Q0 doc_id rank score tag"
            ) from error
    return {
        query_id: dict(sorted(ranking.items(), key=lambda each: -each[1]))
        for query_id, ranking in run.items()
    }
