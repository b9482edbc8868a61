import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stages.lib.core.collection import Document
from stages.lib.errors import UserError
from stages.lib.sources.irds import GRADES, as_document, find_splits, open_irds
from stages.lib.sources.source import Source
from tests.preparing import prepare


class Article(NamedTuple):
    doc_id: str
    url: str
    title: str
    abstract: str

    def default_text(self) -> str:
        return f"{self.title} {self.abstract}"


class Story(NamedTuple):
    doc_id: str
    headline: str
    body: str

    def default_text(self) -> str:
        return f"{self.headline} {self.body}"


class Trial(NamedTuple):
    doc_id: str
    title: str
    summary: str
    phases: list[str]


def test_title_and_text_are_chosen_by_type() -> None:
    article = Article("a", "http://a", "Salt ", "Salt is bad.")
    assert as_document(article, [], "") == Document("a", "Salt", "Salt is bad.")
    assert as_document(Story("s", "Fire", "In town."), [], "") == Document("s", "Fire", "In town.")


def test_fields_named_take_the_place_of_the_rule() -> None:
    article = Article("a", "http://a", "Salt", "Salt is bad.")
    assert as_document(article, ["abstract"], "") == Document("a", "", "Salt is bad.")
    trial = Trial("t", "Aspirin", "Helps.", ["I", "II"])
    assert as_document(trial, ["title", "summary", "phases"], "") == Document(
        "t", "Aspirin", "Helps.\nI II"
    )


def test_a_type_without_a_text_asks_for_fields() -> None:
    with pytest.raises(UserError, match=r"document_fields: a Trial .* doc_id, title, summary, ph"):
        as_document(Trial("t", "Aspirin", "Helps.", []), [], "")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """ir_datasets with a few collections of our own."""
    home = tmp_path_factory.mktemp("irds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IR_DATASETS_HOME", str(home))
        import ir_datasets
    (home / "docs.tsv").write_text("d1\tsalt is bad\nd2\twater is good\n")
    (home / "queries.tsv").write_text("q1\tis salt bad\nq2\tis water good\nq3\tnot judged\n")
    (home / "qrels.txt").write_text("q1 0 d1 1\nq2 0 d2 2\nq2 0 d1 -1\n")
    docs = {"docs_tsv": str(home / "docs.tsv")}
    judged = {"queries_tsv": str(home / "queries.tsv"), "qrels_trec": str(home / "qrels.txt")}
    for name, parts in {
        "tiny": docs,
        "tiny/train": docs | judged,
        "tiny/dev": docs | judged,
        "tiny/test": docs | judged,
        "alone": docs | judged,
        "half": docs | judged,
        "half/train": docs | judged,
        "bare": docs,
    }.items():
        if name not in ir_datasets.registry._registered:
            ir_datasets.registry.register(name, ir_datasets.create_dataset(**parts))
    yield ir_datasets.registry


@pytest.mark.parametrize(
    ("dataset_id", "splits"),
    [
        ("tiny", {"train": "tiny/train", "dev": "tiny/dev", "test": "tiny/test"}),
        ("tiny/train", {"train": "tiny/train"}),
        ("alone", {"test": "alone"}),
        ("half", {"train": "half/train", "test": "half"}),
        ("bare", {}),
        ("beir/nfcorpus", {s: f"beir/nfcorpus/{s}" for s in ("train", "dev", "test")}),
        ("beir/nq", {"test": "beir/nq"}),
        ("beir/scifact", {"train": "beir/scifact/train", "test": "beir/scifact/test"}),
        ("msmarco-passage", {"train": "msmarco-passage/train", "dev": "msmarco-passage/dev"}),
        ("msmarco-passage/trec-dl-2019/judged", {"test": "msmarco-passage/trec-dl-2019/judged"}),
    ],
)
@pytest.mark.usefixtures("registry")
def test_splits_are_found_by_id(dataset_id: str, splits: dict[str, str]) -> None:
    assert find_splits(dataset_id) == splits


@pytest.mark.usefixtures("registry")
def test_a_collection_is_read_with_its_splits() -> None:
    source = open_irds("alone", [], "")
    assert [each.document for each in source.documents] == [
        Document("d1", "", "salt is bad"),
        Document("d2", "", "water is good"),
    ]
    assert source.qrels == {"test": {"q1": {"d1": 1}, "q2": {"d2": 2, "d1": -1}}}
    assert source.queries["test"][0][1:] == ("q1", "is salt bad")


@pytest.mark.usefixtures("registry")
def test_grades_that_count_the_other_way_round_are_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRADES, "alone", GRADES["cranfield"])
    assert open_irds("alone", [], "").qrels == {"test": {"q1": {"d1": 4}, "q2": {"d2": 3, "d1": 1}}}


def open_all(*arguments: Any) -> Source:
    source = open_irds(*arguments)
    list(source.documents)
    return source


@pytest.mark.usefixtures("registry")
def test_mistakes_are_named() -> None:
    with pytest.raises(UserError, match="knows no 'beir/nfcorpos'; did you mean beir/nfcorpus"):
        open_all("beir/nfcorpos", [], "")
    with pytest.raises(UserError, match="see https:"):
        open_all("", [], "")
    with pytest.raises(UserError, match="document_fields: no field 'body'; there are doc_id, text"):
        open_all("tiny", ["body"], "")
    with pytest.raises(UserError, match="query_field: no field 'title'; there are query_id, text"):
        open_all("tiny", [], "title")


@pytest.mark.usefixtures("registry")
def test_the_stage_reads_ir_datasets(tmp_path: Path) -> None:
    result = prepare(tmp_path, source="ir_datasets", dataset="alone")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "collection/test/qrels.tsv").read_text().splitlines()[1:] == [
        "q1\td1\t1",
        "q2\td1\t0",
        "q2\td2\t2",
    ]
    result = prepare(tmp_path, source="ir_datasets", dataset="no/such")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)


def test_a_download_that_cannot_happen_is_one_line(tmp_path: Path) -> None:
    closed = "http://127.0.0.1:9"
    environment = os.environ | {
        "IR_DATASETS_HOME": str(tmp_path),
        "IR_DATASETS_DL_TRIES": "1",
        "HTTP_PROXY": closed,
        "HTTPS_PROXY": closed,
        "http_proxy": closed,
        "https_proxy": closed,
    }
    code = (
        "from pathlib import Path; from tests.preparing import prepare\n"
        f"result = prepare(Path({str(tmp_path)!r}), source='ir_datasets', dataset='beir/nq')\n"
        "print(result.exit_code, result.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 Error: prepare.dataset: 'beir/nq' could not be had (")
    assert done.stdout.strip().count("\n") == 0
    assert not (tmp_path / "collection").exists()
