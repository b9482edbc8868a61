"""The stage select by itself."""

import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from stages.lib.core.collection import Corpus, Document, read_split, write_corpus, write_queries
from stages.lib.core.files import read_json
from stages.lib.core.generated import Generated, query_id, read_generated, write_generated
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import save_vectors
from stages.select import main
from tests.conftest import Change

COLOURS = ("blue", "green", "red")
WORDS = ("apple", "bus", "car", "cat", "dog", "pear", "plum", "train")
CORPUS = {
    f"{colour}-{word}": Document(f"{colour}-{word}", f"{colour} {word}", "see below")
    for colour in COLOURS
    for word in WORDS
}

CORPUS_BY_TITLE = {document.title: doc_id for doc_id, document in CORPUS.items()}


def select(
    folder: Path,
    model: Path,
    with_params: Change,
    changes: dict[str, Any],
    corpus: Corpus = CORPUS,
) -> str:
    """Runs the stage over titles as queries, as they are without an LLM; what it says."""
    settings = with_params(
        {
            "encoder.max_length": 16,
            "select.dev_share": 0.4,
            "select.titles": True,
            "select.phrases": 0,
            **changes,
        }
    )
    texts = [document.contents for document in corpus.values()]
    vectors = encode(load_encoder(model, settings.encoder), texts)
    save_vectors(folder / "vectors", vectors, list(corpus), "test")
    write_corpus(folder / "corpus.jsonl", corpus)
    titles = [
        Generated(query_id(doc_id, "title", document.title), doc_id, "title", document.title)
        for doc_id, document in corpus.items()
    ]
    write_generated(folder / "generated.jsonl", titles)
    write_generated(folder / "imported.jsonl", [])
    for name in ("dev", "test"):
        write_queries(folder / f"{name}.jsonl", {})
    paths = {
        "corpus": "corpus.jsonl",
        "generated": "generated.jsonl",
        "imported": "imported.jsonl",
        "dev": "dev.jsonl",
        "test": "test.jsonl",
        "reviews": "reviews",
        "vectors": "vectors",
        "queries": "selected-vectors",
        "out": "synthetic",
        "metrics": "select.json",
        "params": "params.yaml",
    }
    options = [part for name, path in paths.items() for part in (f"--{name}", folder / path)]
    result = CliRunner().invoke(main, [*map(str, options), "--model", str(model)])
    assert result.exit_code == 0, result.output
    return result.stdout


def unlabelled(folder: Path) -> set[str]:
    return {query.text for query in read_generated(folder / "synthetic" / "unlabelled.jsonl")}


def test_what_trains_beside_the_queries_repeats_none_of_synthetic_dev(
    tmp_path: Path, tiny_model: Path, with_params: Change
) -> None:
    """Queries without an LLM are titles and phrases, as are the texts that train beside them."""
    depths = {"select.retriever_depth": len(CORPUS), "select.teacher_depth": len(CORPUS)}
    select(tmp_path, tiny_model, with_params, depths)
    held_out = set(read_split(tmp_path / "synthetic" / "dev").queries.values())
    assert held_out
    assert unlabelled(tmp_path) == {document.title for document in CORPUS.values()} - held_out


def test_what_held_out_documents_were_asked_stays_though_its_document_does_not_come_back(
    tmp_path: Path, tiny_model: Path, with_params: Change
) -> None:
    depths = {"select.retriever_depth": 1, "select.teacher_depth": 1, "fusion.dense_weight": 1.0}
    select(tmp_path, tiny_model, with_params, depths)
    splits = {name: read_split(tmp_path / "synthetic" / name) for name in ("train", "dev", "asked")}
    train, dev, asked = (set(split.queries) for split in splits.values())
    assert len(train | dev) < len(CORPUS), "some died"
    counted = read_json(tmp_path / "select.json")
    assert counted["quality"]["title"]["queries"] == len(CORPUS)
    died = {row["text"] for rows in counted["left_out"].values() for row in rows}
    assert died
    assert not died & (train | dev)
    assert dev < asked, "some of them were of held-out documents"
    assert not train & asked
    assert not unlabelled(tmp_path) & set(splits["asked"].queries.values())
    answers = {doc_id for judged in splits["asked"].qrels.values() for doc_id in judged}
    assert answers == {CORPUS_BY_TITLE[text] for text in splits["asked"].queries.values()}


def test_after_an_edit_new_queries_alone_are_encoded_and_nothing_else_differs(
    tmp_path: Path, tiny_model: Path, with_params: Change
) -> None:
    depths = {"select.retriever_depth": 3, "select.teacher_depth": 3}
    said = select(tmp_path, tiny_model, with_params, depths)
    assert f"of {len(CORPUS)} ({len(CORPUS)} encoded anew)" in said
    before = _files(tmp_path)
    assert "(0 encoded anew)" in select(tmp_path, tiny_model, with_params, depths)
    assert _files(tmp_path) == before
    edited = CORPUS | {"red-dog": Document("red-dog", "what dog", "see below")}
    assert "(1 encoded anew)" in select(tmp_path, tiny_model, with_params, depths, edited)
    warm = _files(tmp_path)
    assert warm != before
    shutil.rmtree(tmp_path / "selected-vectors")
    said = select(tmp_path, tiny_model, with_params, depths, edited)
    assert f"({len(CORPUS)} encoded anew)" in said
    assert _files(tmp_path) == warm


def _files(folder: Path) -> dict[str, bytes]:
    """All that the stage writes, but for the queries' vectors."""
    files = [path for path in sorted((folder / "synthetic").rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_what_people_decided_is_dropped_replaced_and_kept(
    tmp_path: Path, tiny_model: Path, with_params: Change
) -> None:
    depths = {"select.retriever_depth": 1, "select.teacher_depth": 1, "fusion.dense_weight": 1.0}
    select(tmp_path, tiny_model, with_params, depths)
    before = _texts(tmp_path)
    dead = next(d.title for d in CORPUS.values() if d.title not in before)
    drop, edit, *_ = sorted(before)
    rows = [
        _decision(drop, "drop"),
        _decision(edit, "edit") | {"text": "better words"},
        _decision(dead, "keep"),
    ]
    (tmp_path / "reviews").mkdir()
    (tmp_path / "reviews/README.md").write_text("no decisions\n")
    select(tmp_path, tiny_model, with_params, depths)
    assert _texts(tmp_path) == before
    (tmp_path / "reviews/ann.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    select(tmp_path, tiny_model, with_params, depths)
    after = _texts(tmp_path)
    assert drop not in after
    assert edit not in after
    assert {"better words", dead} <= after, "people vouch for what the round trip would drop"


def _decision(title: str, decision: str) -> dict[str, str]:
    return {"query_id": query_id(CORPUS_BY_TITLE[title], "title", title), "decision": decision}


def _texts(folder: Path) -> set[str]:
    splits = (read_split(folder / "synthetic" / name) for name in ("train", "dev"))
    return {text for split in splits for text in split.queries.values()}
