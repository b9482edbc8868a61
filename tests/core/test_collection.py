from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.core.collection import (
    Document,
    Split,
    read_corpus,
    read_split,
    write_corpus,
    write_split,
)
from stages.lib.errors import UserError
from stages.lib.sources.spool import spooling

# what UTF-8 can hold: no halves of characters
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
IDS = st.text(st.characters(exclude_categories=["Cs", "Z", "C"]), min_size=1, max_size=8)
DOCUMENTS = st.dictionaries(IDS, st.tuples(TEXTS, TEXTS), min_size=1, max_size=8)

same_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@same_folder
@given(rows=DOCUMENTS)
def test_a_corpus_is_read_as_it_was_written(
    tmp_path: Path, rows: dict[str, tuple[str, str]]
) -> None:
    corpus = {doc_id: Document(doc_id, *row) for doc_id, row in rows.items()}
    write_corpus(tmp_path / "corpus.jsonl", corpus)
    read = read_corpus(tmp_path / "corpus.jsonl")
    assert dict(read) == corpus
    assert list(read) == sorted(corpus)
    assert len(read) == len(corpus)


@same_folder
@given(rows=DOCUMENTS)
def test_a_spool_writes_what_write_corpus_does(
    tmp_path: Path, rows: dict[str, tuple[str, str]]
) -> None:
    corpus = {doc_id: Document(doc_id, *row) for doc_id, row in rows.items()}
    write_corpus(tmp_path / "a.jsonl", corpus)
    with spooling(tmp_path) as spool:
        for document in corpus.values():
            spool.add(document)
        spool.write(tmp_path / "b.jsonl")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "b.jsonl"}


@same_folder
@given(queries=st.dictionaries(IDS, TEXTS), judged=st.dictionaries(IDS, st.integers(0, 4)))
def test_a_split_is_read_as_it_was_written(
    tmp_path: Path, queries: dict[str, str], judged: dict[str, int]
) -> None:
    split = Split(queries, {query_id: judged for query_id in queries if judged})
    write_split(tmp_path, split)
    assert read_split(tmp_path) == split


def test_documents_are_found_past_blank_lines_and_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + '\n{"_id": "b", "text": "é\u2028"}\n\n{"_id": "a", "text": "x"}'.encode()
    )
    corpus = read_corpus(path)
    assert dict(corpus) == {"b": Document("b", "", "é\u2028"), "a": Document("a", "", "x")}
    assert "b" in corpus
    assert "c" not in corpus
    with pytest.raises(KeyError):
        corpus["c"]


def test_threads_may_share_a_corpus(tmp_path: Path) -> None:
    documents = {f"{n}": Document(f"{n}", "", f"text {n} " * (n % 50)) for n in range(500)}
    write_corpus(tmp_path / "corpus.jsonl", documents)
    corpus = read_corpus(tmp_path / "corpus.jsonl")
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(corpus.__getitem__, documents)) == list(documents.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"corpus\.jsonl: the corpus is empty"),
        ('{"_id": "a", "text": ""}\n' * 2, r"corpus\.jsonl:2: duplicate _id 'a'"),
    ],
)
def test_a_corpus_that_is_none_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "corpus.jsonl").write_text(text)
    with pytest.raises(UserError, match=message):
        read_corpus(tmp_path / "corpus.jsonl")
