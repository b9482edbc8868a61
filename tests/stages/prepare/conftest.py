from pathlib import Path

import pytest

from tests.stages.prepare.beir import CORPUS, HEADER, QUERIES, write


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    write(folder, "corpus.jsonl", CORPUS)
    write(folder, "queries.jsonl", QUERIES)
    write(folder, "qrels/train.tsv", HEADER + "q4\td2\t1\nq5\td1\t-2\n")
    write(folder, "qrels/test.tsv", HEADER + "q2\td2\t2\nq1\td3\t1\nq1\td1\t0\n")
    return folder
