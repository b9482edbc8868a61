from pathlib import Path
from typing import Any

import pytest

from stages.lib.errors import UserError
from stages.lib.people.judgements import read_people
from tests.preparing import contents, prepare
from tests.stages.prepare.beir import CORPUS, HEADER, QUERIES, metrics, write

JUDGED = '{"_id": "p1", "text": "two at once"}\n{"_id": "p2", "text": "at night"}\n'
ANN = """\
{"query_id": "p1", "pool": ["d2", "d1"]}
{"query_id": "p1", "doc_id": "d2", "relevance": 1}
{"query_id": "p1", "doc_id": "d2", "relevance": 3}
{"query_id": "p1", "doc_id": "d1", "relevance": 0}
{"query_id": "p2", "pool": ["d1", "d3"]}
{"query_id": "p2", "doc_id": "d1", "relevance": 2}
"""


def judgements(folder: Path) -> None:
    write(folder, "judgements/queries.jsonl", JUDGED)
    write(folder, "judgements/ann.jsonl", ANN)


def collection(folder: Path) -> dict[str, Any]:
    write(folder, "source/corpus.jsonl", CORPUS)
    write(folder, "source/queries.jsonl", QUERIES)
    write(folder, "source/qrels/test.tsv", f"{HEADER}q1\td1\t1\n")
    return {"source": "beir", "path": str(folder / "source")}


def test_finished_queries_join_the_split_that_the_parameters_name(tmp_path: Path) -> None:
    changes = collection(tmp_path)
    assert prepare(tmp_path, **changes).exit_code == 0
    before, counted = contents(tmp_path / "collection"), metrics(tmp_path)
    write(tmp_path, "judgements/README.md", "nothing yet\n")
    assert prepare(tmp_path, **changes).exit_code == 0
    assert contents(tmp_path / "collection") == before, "no judgements, no change"
    assert metrics(tmp_path) == counted

    judgements(tmp_path)
    assert prepare(tmp_path, **changes).exit_code == 0
    found = contents(tmp_path / "collection")
    # the last word on d2 counts, and p2 is not finished
    assert found["test/qrels.tsv"] == f"{HEADER}p1\td1\t0\np1\td2\t3\nq1\td1\t1\n"
    assert metrics(tmp_path)["queries_judged_by_people"] == 1
    assert prepare(tmp_path, judgements="dev", **changes).exit_code == 0
    found = contents(tmp_path / "collection")
    assert found["dev/qrels.tsv"] == f"{HEADER}p1\td1\t0\np1\td2\t3\n"
    assert found["test/qrels.tsv"] == before["test/qrels.tsv"]
    assert prepare(tmp_path, judgements="none", **changes).exit_code == 0
    assert contents(tmp_path / "collection") == before


def test_the_lower_median_of_several_people_counts(tmp_path: Path) -> None:
    judgements(tmp_path)
    others = {"bob": (1, 0), "cyd": (2, 1)}
    for name, (second, first) in others.items():
        write(
            tmp_path,
            f"judgements/{name}.jsonl",
            '{"query_id": "p1", "pool": ["d2", "d1"]}\n'
            f'{{"query_id": "p1", "doc_id": "d2", "relevance": {second}}}\n'
            f'{{"query_id": "p1", "doc_id": "d1", "relevance": {first}}}\n',
        )
    # 1, 2, 3 and 0, 0, 1
    assert read_people(tmp_path / "judgements").qrels() == {"p1": {"d1": 0, "d2": 2}}
    (tmp_path / "judgements/cyd.jsonl").unlink()
    assert read_people(tmp_path / "judgements").qrels()["p1"]["d2"] == 1, "the stricter of two"


def test_a_query_that_was_left_out_counts_once_it_is_taken_back(tmp_path: Path) -> None:
    judgements(tmp_path)
    path = tmp_path / "judgements/ann.jsonl"
    path.write_text(ANN + '{"query_id": "p1", "skipped": true}\n')
    assert read_people(tmp_path / "judgements").qrels() == {}
    path.write_text(path.read_text() + '{"query_id": "p1", "skipped": false}\n')
    assert read_people(tmp_path / "judgements").qrels() == {"p1": {"d1": 0, "d2": 3}}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"query_id": "p1", "doc_id": "d2", "relevance": 4}', "ann.jsonl:7: expected"),
        ('{"query_id": "p1"}', "ann.jsonl:7: expected"),
        ('{"doc_id": "d2", "relevance": 1}', 'ann.jsonl:7: "query_id" is missing'),
        ("<<<<<<< HEAD", "ann.jsonl:7: not JSON"),
        ('{"query_id": "x", "skipped": true}', "queries.jsonl has no query 'x'"),
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    judgements(tmp_path)
    write(tmp_path, "judgements/ann.jsonl", f"{ANN}{line}\n")
    with pytest.raises(UserError, match=fault):
        read_people(tmp_path / "judgements")
