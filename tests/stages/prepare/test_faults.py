"""Faults of a collection in BEIR's form: counted, handled, or named in a line."""

from pathlib import Path

import pytest

from tests.preparing import contents, prepare
from tests.stages.prepare.beir import CORPUS, HEADER, QUERIES, metrics, refused, write


def test_duplicate_ids(tmp_path: Path, beir: Path) -> None:
    write(beir, "corpus.jsonl", CORPUS + '{"_id": "d1", "text": "later"}\n')
    assert "corpus.jsonl:4: duplicate id 'd1'" in refused(tmp_path, path=str(beir))
    write(beir, "queries.jsonl", QUERIES + '{"_id": "q5", "text": "later"}\n')
    prepare(tmp_path, path=str(beir), duplicate_ids="first")
    assert "later" not in "".join(contents(tmp_path / "collection").values())
    found = metrics(tmp_path)
    assert (found["duplicate_ids"], found["train"]["duplicate_ids"]) == (1, 1)
    write(beir, "corpus.jsonl", CORPUS)
    assert "queries.jsonl:6: duplicate id 'q5'" in refused(tmp_path, path=str(beir))


def test_dangling_qrels(tmp_path: Path, beir: Path) -> None:
    write(beir, "qrels/test.tsv", HEADER + "q1\td1\t1\nq1\td9\t1\nq9\td1\t1\n")
    assert prepare(tmp_path, path=str(beir)).exit_code == 0
    assert contents(tmp_path / "collection")["test/qrels.tsv"] == HEADER + "q1\td1\t1\n"
    assert metrics(tmp_path)["test"]["dangling_qrels"] == 2
    message = refused(tmp_path, path=str(beir), dangling_qrels="error")
    assert "test qrels: 2 of 3 judgements name a query or a document that does not" in message
    assert "(the first: 'q1', 'd9')" in message


def test_empty_documents(tmp_path: Path, beir: Path) -> None:
    write(beir, "corpus.jsonl", CORPUS + '{"_id": "d0", "title": " ", "text": "\\n"}\n')
    prepare(tmp_path, path=str(beir))
    assert (metrics(tmp_path)["documents"], metrics(tmp_path)["empty_documents"]) == (3, 1)
    prepare(tmp_path, path=str(beir), empty_documents="keep")
    assert (metrics(tmp_path)["documents"], metrics(tmp_path)["empty_documents"]) == (4, 1)
    message = refused(tmp_path, path=str(beir), empty_documents="error")
    assert "corpus.jsonl:4: document 'd0' is empty" in message


def test_long_documents_are_counted_and_told(tmp_path: Path, beir: Path) -> None:
    words = " ".join(["night"] * 9)
    write(beir, "corpus.jsonl", CORPUS + f'{{"_id": "d0", "title": "", "text": "{words}"}}\n')
    result = prepare(tmp_path, path=str(beir), max_length=8)
    assert result.exit_code == 0
    assert "1 of 4 documents (25%) have more than 8 tokens" in result.stderr
    assert (metrics(tmp_path)["long_documents"], metrics(tmp_path)["long_share"]) == (1, 0.25)
    assert "25%" in refused(tmp_path, path=str(beir), max_length=8, long_documents="error")


def test_the_prefix_counts(tmp_path: Path, beir: Path) -> None:
    prepare(tmp_path, path=str(beir), max_length=8)
    assert metrics(tmp_path)["long_documents"] == 0
    prepare(tmp_path, path=str(beir), max_length=8, prefix="passage: ")
    assert metrics(tmp_path)["long_documents"] == 1


MALFORMED: dict[str, tuple[str, str | bytes, str]] = {
    "not JSON": ("corpus.jsonl", CORPUS + "{oops\n", "corpus.jsonl:4: not JSON"),
    "not an object": ("corpus.jsonl", "[1]\n", "corpus.jsonl:1: expected a JSON object"),
    "no id": ("corpus.jsonl", '{"text": "a"}\n', 'corpus.jsonl:1: "_id" is missing'),
    "a number as id": ("corpus.jsonl", '{"_id": 1, "text": "a"}\n', '"_id" is missing or not'),
    "a list as title": ("corpus.jsonl", '{"_id": "a", "title": [], "text": ""}', '"title" is'),
    "a space in an id": ("corpus.jsonl", '{"_id": "a b", "text": "a"}\n', "has white space"),
    "half a character": ("corpus.jsonl", '{"_id": "a", "text": "\\ud800"}\n', "(half a character"),
    "latin-1": (
        "corpus.jsonl",
        CORPUS.encode() + b'{"_id": "\xe9"}\n',
        "corpus.jsonl:4: not UTF-8",
    ),
    "empty corpus": ("corpus.jsonl", "\n", "the corpus is empty"),
    "empty query": (
        "queries.jsonl",
        QUERIES.replace("restore", " "),
        "queries.jsonl:5: query 'q5'",
    ),
    "two columns": ("qrels/test.tsv", HEADER + "q1\td1\n", "test.tsv:2: expected query-id"),
    "a fraction": ("qrels/test.tsv", "q1\td1\t0.5\n", "test.tsv:1: expected query-id"),
    "other documents": ("qrels/test.tsv", "q1\tx\t1\n", "1 of 1 judgements name a query or a doc"),
    "other queries": ("qrels/test.tsv", "x\td1\t1\n", "are they another collection's?"),
    "TREC's four columns": (
        "qrels/test.tsv",
        "q1\t0\td1\t1\n",
        "test.tsv:1: four columns, as TREC",
    ),
    "two grades": (
        "qrels/test.tsv",
        HEADER + "q1\td1\t1\n\nq1\td2\t1\nq1\td1\t0\n",
        "test.tsv:5: 'q1' and 'd1' have the grade 0, and 1 further up",
    ),
    "a grade beyond any scale": (
        "qrels/test.tsv",
        HEADER + "q1\td1\t99999999999\n",
        "test.tsv:2: the grade 99999999999 is beyond 1000",
    ),
    "a number of thousands of digits": (
        "qrels/test.tsv",
        "q1\td1\t" + "9" * 5000,
        "test.tsv:1: expected query-id",
    ),
    "a header alone": ("qrels/test.tsv", HEADER, "test.tsv: no judgement in it"),
    "qrels of another suffix": ("qrels/test.txt", HEADER, "test.txt: not a split; rename it"),
    "a split twice": ("qrels/TEST.TSV", HEADER + "q1\td1\t1\n", "the split of TEST.TSV, too"),
    "a control character in an id": (
        "corpus.jsonl",
        '{"_id": "a\\u0001", "text": "a"}\n',
        "corpus.jsonl:1: the id 'a\\x01' has the character U+0001",
    ),
    "an unknown split": ("qrels/valid.tsv", HEADER, "valid.tsv: not a split; rename it"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_named(tmp_path: Path, beir: Path, case: str) -> None:
    name, text, message = MALFORMED[case]
    write(beir, name, text)
    assert message in refused(tmp_path, path=str(beir))


def test_a_failed_run_leaves_the_collection_as_it_was(tmp_path: Path, beir: Path) -> None:
    prepare(tmp_path, path=str(beir))
    before = contents(tmp_path / "collection")
    write(beir, "corpus.jsonl", CORPUS + "{oops\n")
    assert "corpus.jsonl:4" in refused(tmp_path, path=str(beir))
    assert contents(tmp_path / "collection") == before


def test_missing_files_are_named(tmp_path: Path, beir: Path) -> None:
    (beir / "queries.jsonl").unlink()
    assert "queries.jsonl: no such file, though there are qrels" in refused(
        tmp_path, path=str(beir)
    )
    (beir / "corpus.jsonl").unlink()
    assert "has no corpus.jsonl" in refused(tmp_path, path=str(beir))
    assert "is not a folder" in refused(tmp_path, path=str(tmp_path / "nowhere"))


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, beir: Path) -> None:
    mark = b"\xef\xbb\xbf"
    for name in ("corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/test.tsv"):
        write(beir, name, mark + (beir / name).read_bytes())
    assert prepare(tmp_path, path=str(beir)).exit_code == 0
    assert metrics(tmp_path)["test"]["judgements"] == 3


def test_capitals_in_a_split_are_the_split(tmp_path: Path, beir: Path) -> None:
    prepare(tmp_path, path=str(beir))
    before = contents(tmp_path / "collection")
    (beir / "qrels/test.tsv").rename(beir / "qrels/TEST.TSV")
    write(beir, "qrels/TEST.TSV", b"\n" + (beir / "qrels/TEST.TSV").read_bytes())
    assert prepare(tmp_path, path=str(beir)).exit_code == 0
    assert contents(tmp_path / "collection") == before
