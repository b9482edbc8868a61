import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from stages.lib.core.generated import read_generated
from tests.preparing import prepare

CORPUS = """\
{"_id": "1", "title": "Locks", "text": "A lock keeps two writers apart."}
{"_id": "2", "title": "", "text": "Backups run at night."}
"""


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    (tmp_path / "beir").mkdir()
    (tmp_path / "beir/corpus.jsonl").write_text(CORPUS)
    return tmp_path / "beir"


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def run(tmp_path: Path, tool: str, path: Path, **changes: Any) -> Result:
    changes = {"path": str(tmp_path / "beir")} | changes
    return prepare(tmp_path, queries_from=tool, queries_path=str(path), **changes)


def queries(tmp_path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in read_generated(tmp_path / "collection/imported.jsonl"):
        found.setdefault(each.doc_id, []).append(each.text)
    return {doc_id: sorted(texts) for doc_id, texts in found.items()}


def metrics(tmp_path: Path) -> tuple[int, int]:
    found = json.loads((tmp_path / "prepare.json").read_text())
    return found["imported_queries"], found["imported_dangling"]


def llamaindex(path: Path) -> Path:
    data = {
        "queries": {"u1": "why  lock", "u2": "when are backups", "u3": "unknown"},
        "corpus": {
            "n1": "Locks A lock keeps two writers apart.",
            "n2": "Backups run\nat night.",
            "n3": "Elsewhere.",
        },
        "relevant_docs": {"u1": ["n1"], "u2": ["n2"], "u3": ["n3"]},
        "mode": "text",
    }
    path.write_text(json.dumps(data))
    return path


def test_llamaindex_documents_are_known_by_their_texts(tmp_path: Path, beir: Path) -> None:
    assert beir.is_dir()
    result = run(tmp_path, "llamaindex", llamaindex(tmp_path / "qa.json"))
    assert result.exit_code == 0, result.output
    assert queries(tmp_path) == {"1": ["why lock"], "2": ["when are backups"]}
    assert metrics(tmp_path) == (2, 1)


def test_llamaindex_can_be_the_collection(tmp_path: Path) -> None:
    path = llamaindex(tmp_path / "qa.json")
    result = run(tmp_path, "llamaindex", path, source="queries")
    assert result.exit_code == 0, result.output
    assert queries(tmp_path) == {
        "n1": ["why lock"],
        "n2": ["when are backups"],
        "n3": ["unknown"],
    }


@pytest.mark.usefixtures("beir")
def test_gpl_leaves_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "gpl"
    lines(
        folder / "qgen-queries.jsonl",
        {"_id": "genQ1", "text": "what is a lock"},
        {"_id": "genQ2", "text": "why two writers"},
    )
    (folder / "qgen-qrels").mkdir()
    (folder / "qgen-qrels/train.tsv").write_text(
        "query-id\tcorpus-id\tscore\ngenQ1\t1\t1\ngenQ2\t1\t1\n"
    )
    assert run(tmp_path, "gpl", folder).exit_code == 0
    assert queries(tmp_path) == {"1": ["what is a lock", "why two writers"]}
    assert "has 0 files *-queries.jsonl" in run(tmp_path, "gpl", tmp_path / "beir").output


@pytest.mark.usefixtures("beir")
def test_inpars_ids_may_have_become_numbers(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "inpars.jsonl",
        {"doc_id": 1, "query": "locks?", "log_probs": [-1.0], "text": "A lock"},
        {"doc_id": "2", "query": "night backups", "log_probs": []},
        {"doc_id": 2, "query": "night backups", "log_probs": []},
    )
    assert run(tmp_path, "inpars", path).exit_code == 0
    assert queries(tmp_path) == {"1": ["locks?"], "2": ["night backups"]}


FLAG: list[dict[str, Any]] = [
    {"query": "lock", "pos": ["A lock keeps two writers apart."], "neg": ["Backups run at night."]},
    {"query": "nights", "pos": ["Backups run at night.", "Not here."], "neg": []},
]


@pytest.mark.usefixtures("beir")
def test_flagembedding_positives_are_known_by_their_texts(tmp_path: Path) -> None:
    path = lines(tmp_path / "flag.jsonl", *FLAG)
    assert run(tmp_path, "flagembedding", path).exit_code == 0
    assert queries(tmp_path) == {"1": ["lock"], "2": ["nights"]}
    assert metrics(tmp_path) == (2, 1)
    result = run(tmp_path, "flagembedding", path, dangling_qrels="error")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "flag.jsonl:2: no document" in result.output


def test_flagembedding_can_be_the_collection(tmp_path: Path) -> None:
    path = lines(tmp_path / "flag.jsonl", *FLAG)
    assert run(tmp_path, "flagembedding", path, source="queries").exit_code == 0
    corpus = (tmp_path / "collection/corpus.jsonl").read_text()
    assert (corpus.count("\n"), corpus.count("Not here.")) == (3, 1)
    assert sorted(queries(tmp_path).values()) == [["lock"], ["nights"], ["nights"]]


@pytest.mark.usefixtures("beir")
def test_they_are_read_like_generated_ones(tmp_path: Path) -> None:
    run(tmp_path, "llamaindex", llamaindex(tmp_path / "qa.json"))
    path = tmp_path / "collection/imported.jsonl"
    assert [(each.doc_id, each.type, each.text) for each in read_generated(path)] == [
        ("1", "imported", "why lock"),
        ("2", "imported", "when are backups"),
    ]


@pytest.mark.usefixtures("beir")
@pytest.mark.parametrize(
    ("tool", "row", "message"),
    [
        ("llamaindex", {"queries": {}}, "corpus is missing or no object; expected the JSON that"),
        ("inpars", {"doc_id": None, "query": "a"}, 'bad:1: "query" or "doc_id" is missing'),
        ("inpars", {"doc_id": "9", "query": "a"}, "none of 1 queries names a document"),
        ("flagembedding", {"pos": ["a"]}, 'bad:1: "query" is missing'),
        ("flagembedding", {"query": "a", "pos": "a"}, 'bad:1: "pos" is missing or not a list'),
    ],
)
def test_mistakes_are_named(tmp_path: Path, tool: str, row: dict[str, Any], message: str) -> None:
    result = run(tmp_path, tool, lines(tmp_path / "bad", row))
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert message in result.output
    assert not (tmp_path / "collection").exists()


def test_a_tool_whose_file_has_no_documents(tmp_path: Path) -> None:
    result = run(tmp_path, "inpars", lines(tmp_path / "a", {}), source="queries")
    assert "files of 'inpars' hold no documents; set prepare.queries_from to llama" in result.output
