"""The dev split that is drawn where a collection has none."""

import json
from pathlib import Path

from stages.lib.core.collection import MEASURED_ON, SYNTHETIC, Split, read_split, write_split
from stages.lib.evaluation.comparison import read_basis
from tests.preparing import prepare
from tests.stages.prepare.beir import HEADER, QUERIES, metrics, write


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


def test_what_the_report_measures_on_is_told(tmp_path: Path, beir: Path) -> None:
    write_split(tmp_path / "synthetic" / "dev", Split({"s": "why"}, {"s": {"d1": 1}}))

    def told(judged: dict[str, str]) -> str:
        for name in ("train", "dev", "test"):
            (beir / "qrels" / f"{name}.tsv").unlink(missing_ok=True)
        for name, query_id in judged.items():
            write(beir, f"qrels/{name}.tsv", f"{HEADER}{query_id}\td1\t1\n")
        assert prepare(tmp_path, path=str(beir)).exit_code == 0
        told = (tmp_path / "collection" / MEASURED_ON).read_text()
        assert told == read_basis(tmp_path / "collection", tmp_path / "synthetic").name + "\n"
        return told

    assert told({"dev": "q5", "test": "q1"}) == "test\n"
    assert told({"dev": "q5"}) == "dev\n"
    assert told({"train": "q5"}) == f"{SYNTHETIC}\n"


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
