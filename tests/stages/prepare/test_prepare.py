"""Splits of a collection in BEIR's form."""

from pathlib import Path

from tests.preparing import contents, prepare
from tests.stages.prepare.beir import HEADER, metrics, refused, write


def test_a_beir_folder_becomes_sorted_splits(tmp_path: Path, beir: Path) -> None:
    result = prepare(tmp_path, path=str(beir))
    assert result.exit_code == 0, result.output
    assert contents(tmp_path / "collection") == {
        "corpus.jsonl": '{"_id":"d1","title":"","text":"Backups run at night."}\n'
        '{"_id":"d2","title":"Locks","text":"A lock keeps two writers apart."}\n'
        '{"_id":"d3","title":"","text":"Backups  run at NIGHT."}\n',
        "answers.jsonl": "",
        "imported.jsonl": "",
        "measured_on.txt": "test\n",
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


def test_right_answers_of_judged_queries_are_kept(tmp_path: Path, beir: Path) -> None:
    write(
        beir, "answers.jsonl", '{"_id": "q2", "answer": " a  lock"}\n{"_id": "q9", "answer": "x"}'
    )
    assert prepare(tmp_path, path=str(beir)).exit_code == 0
    kept = contents(tmp_path / "collection")["answers.jsonl"]
    assert kept == '{"_id":"q2","answers":["a lock"]}\n', "nobody judged q9"
    assert metrics(tmp_path)["reference_answers"] == 1
    write(beir, "answers.jsonl", '{"_id": "q1", "answers": ["at night", ""]}')
    assert "answers.jsonl:1: expected a text" in refused(tmp_path, path=str(beir))
    write(beir, "answers.jsonl", '{"_id": "q1", "answer": "x"}\n{"_id": "q1", "answer": "y"}')
    assert "answers.jsonl:2: a second line of 'q1'" in refused(tmp_path, path=str(beir))
