import json
from pathlib import Path
from typing import Any

import pytest

from stages.lib.core.collection import read_split
from tests.preparing import contents, prepare

CORPUS = """\
{"_id": "d2", "title": "Locks", "text": "A lock keeps two writers apart."}
{"_id": "d1", "title": "", "text": "Backups run at night."}
{"_id": "d3", "text": "Backups  run at NIGHT."}
"""
QUERIES = """\
{"_id": "q1", "text": "when do backups run"}
{"_id": "q2", "text": "two writers"}
{"_id": "q3", "text": "nobody judged this"}
{"_id": "q4", "text": "Two  Writers"}
{"_id": "q5", "text": "restore"}
"""
HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "beir"
    write(folder, "corpus.jsonl", CORPUS)
    write(folder, "queries.jsonl", QUERIES)
    write(folder, "qrels/train.tsv", HEADER + "q4\td2\t1\nq5\td1\t-2\n")
    write(folder, "qrels/test.tsv", HEADER + "q2\td2\t2\nq1\td3\t1\nq1\td1\t0\n")
    return folder


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def metrics(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "prepare.json").read_text())
    return loaded


def refused(folder: Path, **changes: Any) -> str:
    """The one line of an error, after which nothing new is there."""
    before = set(folder.rglob("*"))
    result = prepare(folder, **changes)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    new = set(folder.rglob("*")) - before
    assert {path.name for path in new} <= {"params.yaml", "tokenizer.json"}
    return result.output


def test_a_beir_folder_becomes_sorted_splits(tmp_path: Path, beir: Path) -> None:
    result = prepare(tmp_path, path=str(beir))
    assert result.exit_code == 0, result.output
    assert contents(tmp_path / "collection") == {
        "corpus.jsonl": '{"_id":"d1","title":"","text":"Backups run at night."}\n'
        '{"_id":"d2","title":"Locks","text":"A lock keeps two writers apart."}\n'
        '{"_id":"d3","title":"","text":"Backups  run at NIGHT."}\n',
        "imported.jsonl": "",
        "train/queries.jsonl": '{"_id":"q5","text":"restore"}\n',
        "train/qrels.tsv": HEADER + "q5\td1\t0\n",
        "dev/queries.jsonl": "",
        "dev/qrels.tsv": HEADER,
        "test/queries.jsonl": '{"_id":"q1","text":"when do backups run"}\n'
        '{"_id":"q2","text":"two writers"}\n',
        "test/qrels.tsv": HEADER + "q1\td1\t0\nq1\td3\t1\nq2\td2\t2\n",
    }
    assert metrics(tmp_path) == {
        "documents": 3,
        "duplicate_ids": 0,
        "empty_documents": 0,
        "repeated_documents": 1,
        "long_documents": 0,
        "long_share": 0.0,
        "zero_shot": False,
        "train": {
            "queries": 1,
            "judgements": 1,
            "duplicate_ids": 0,
            "dangling_qrels": 0,
            "negative_relevances": 1,
            "dropped_repeated": 1,
        },
        "dev": {
            "queries": 0,
            "judgements": 0,
            "duplicate_ids": 0,
            "dangling_qrels": 0,
            "negative_relevances": 0,
            "dropped_repeated": 0,
        },
        "test": {
            "queries": 2,
            "judgements": 3,
            "duplicate_ids": 0,
            "dangling_qrels": 0,
            "negative_relevances": 0,
            "dropped_repeated": 0,
        },
        "dev_from_train": 0,
        "repeated_queries": {"train_dev": 0, "train_test": 1, "dev_test": 0},
    }


def test_its_own_output_is_read_as_it_was_written(tmp_path: Path, beir: Path) -> None:
    prepare(tmp_path, path=str(beir))
    first = contents(tmp_path / "collection")
    again = tmp_path / "again"
    write(again, "corpus.jsonl", first["corpus.jsonl"])
    write(again, "queries.jsonl", first["train/queries.jsonl"] + first["test/queries.jsonl"])
    for split in ("train", "dev", "test"):
        write(again, f"qrels/{split}.tsv", first[f"{split}/qrels.tsv"])
    prepare(tmp_path, path=str(again))
    assert contents(tmp_path / "collection") == first


def test_a_corpus_alone_is_zero_shot(tmp_path: Path, beir: Path) -> None:
    for path in (beir / "qrels").iterdir():
        path.unlink()
    (beir / "queries.jsonl").unlink()
    assert prepare(tmp_path, path=str(beir)).exit_code == 0
    assert metrics(tmp_path)["zero_shot"] is True
    assert {split: metrics(tmp_path)[split]["queries"] for split in ("train", "dev", "test")} == {
        "train": 0,
        "dev": 0,
        "test": 0,
    }


def test_repeated_queries_leave_as_the_parameter_says(tmp_path: Path, beir: Path) -> None:
    prepare(tmp_path, path=str(beir), repeated_queries="keep")
    assert metrics(tmp_path)["train"]["queries"] == 2
    assert metrics(tmp_path)["repeated_queries"]["train_test"] == 1
    assert "train_test 1" in refused(tmp_path, path=str(beir), repeated_queries="error")


def test_a_text_in_all_splits_stays_in_test_alone(tmp_path: Path, beir: Path) -> None:
    write(beir, "qrels/dev.tsv", "q2\td2\t1\n")
    prepare(tmp_path, path=str(beir))
    found = metrics(tmp_path)
    assert (found["dev"]["queries"], found["dev"]["dropped_repeated"]) == (0, 1)
    assert found["test"]["queries"] == 2
    assert found["repeated_queries"] == {"train_dev": 1, "train_test": 1, "dev_test": 1}


def labelled(beir: Path, texts: dict[str, str]) -> None:
    """Gives the collection these train queries, one judgement each."""
    rows = [json.dumps({"_id": query_id, "text": text}) for query_id, text in texts.items()]
    write(beir, "queries.jsonl", QUERIES + "\n".join(rows) + "\n")
    judgements = "".join(f"{query_id}\td1\t1\n" for query_id in texts)
    write(beir, "qrels/train.tsv", HEADER + judgements)


def held_out(folder: Path) -> set[str]:
    """The ids of the dev split; train has the others, each with its judgement."""
    found = {
        name: set(read_split(folder / "collection" / name).queries) for name in ("train", "dev")
    }
    assert not found["train"] & found["dev"]
    assert metrics(folder)["train"]["queries"] == len(found["train"])
    assert metrics(folder)["dev"]["judgements"] == len(found["dev"])
    return found["dev"]


def test_a_dev_split_is_drawn_from_train_where_there_is_none(tmp_path: Path, beir: Path) -> None:
    texts = {f"t{number}": f"how to back up number {number}" for number in range(400)}
    labelled(beir, texts)
    prepare(tmp_path, path=str(beir))
    first = held_out(tmp_path)
    assert 50 <= len(first) <= 110
    assert metrics(tmp_path)["dev_from_train"] == len(first)
    assert metrics(tmp_path)["train"]["queries"] == 400 - len(first)

    # another query moves none of the others, and one of the same text goes to the same side
    known = min(first)
    labelled(beir, texts | {"new": "why", "copy": texts[known].upper()})
    prepare(tmp_path, path=str(beir))
    assert held_out(tmp_path) - {"new"} == first | {"copy"}

    prepare(tmp_path, path=str(beir), dev_share=0)
    assert held_out(tmp_path) == set()


def test_a_dev_split_is_drawn_neither_from_few_nor_beside_another(
    tmp_path: Path, beir: Path
) -> None:
    labelled(beir, {f"t{number}": f"how to back up number {number}" for number in range(40)})
    prepare(tmp_path, path=str(beir), dev_share=0.9)
    assert held_out(tmp_path) == set()
    labelled(beir, {f"t{number}": f"how to back up number {number}" for number in range(400)})
    write(beir, "qrels/dev.tsv", HEADER + "q5\td1\t1\n")
    prepare(tmp_path, path=str(beir))
    assert held_out(tmp_path) == {"q5"}
    assert metrics(tmp_path)["dev_from_train"] == 0


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
