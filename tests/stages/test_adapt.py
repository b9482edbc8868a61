"""An adapter behind another model's queries, from known vectors to figures of unseen queries."""

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from stages import adapt, others
from stages.lib.adaptation.adapter import adapted, identity
from stages.lib.adaptation.folder import load_adapter
from stages.lib.core.collection import Split, write_corpus, write_split
from stages.lib.core.examples import Example, Mined, write_mined
from stages.lib.core.files import has_files, read_json
from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoding.encoder import Vectors
from stages.lib.encoding.remote import write_record
from stages.lib.encoding.vectors import load_queries, save_queries, save_vectors
from stages.lib.params import Params, read_params
from stages.lib.search.engine import Embedded, Known
from stages.lib.search.engine import Run as Ranked
from stages.lib.search.metrics import ndcg
from stages.operate.cost import embedders
from stages.study import bases
from tests.conftest import Change
from tests.embedders.server import EmbeddingServer, vector_of
from tests.stages.conftest import Run
from tests.teaching.mining import CORPUS, DEV, SHORT, THINGS, TRAIN, written_for

WIDTH = 4
TEST = written_for(*(f"blue-{thing}" for thing in THINGS[4:]))
SEEN = TRAIN.queries | written_for(*(f"blue-{thing}" for thing in THINGS[:4])).queries
TURN = np.linalg.qr(np.random.default_rng(5).standard_normal((WIDTH, WIDTH)))[0]
"""A rotation, which takes vectors of documents to where the queries' are."""

API: dict[str, Any] = {
    "documents.model": "embed-1",
    "documents.provider": "openai",
    "documents.dimensions": WIDTH,
    "documents.query_prefix": "query: ",
    "adapt.batch_size": 6,
    "adapt.epochs": 20,
    "adapt.learning_rate": 1e-1,
    "package.profile": "semantic",  # BM25 finds all of these by their words
}


def turned(text: str, size: int) -> list[float]:
    """A document's vector; of a query about it the same one, turned."""
    vector = np.array(vector_of(text.removeprefix("query: what of "), size))
    return list(map(float, TURN @ vector if text.startswith("query: ") else vector))


def unit(texts: list[str]) -> Vectors:
    vectors = np.array([turned(text, WIDTH) for text in texts], np.float32)
    found: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def lay_out(folder: Path, settings: Params, of_corpus: Vectors, of_seen: Vectors) -> None:
    """All that the stage reads: the teacher ranks by the documents' vectors among themselves."""
    write_corpus(folder / "corpus.jsonl", CORPUS)
    doc_ids = list(CORPUS)
    # as sharp as the student's cosines are by its temperature, so that the turn is the best answer
    sharpness = settings.train.teacher_temperature / settings.train.student_temperature
    similar = sharpness * (of_corpus @ of_corpus.T)
    rows = []
    for query_id, text in SEEN.items():
        own = query_id.removeprefix("q-")
        scores = dict(zip(doc_ids, map(float, similar[doc_ids.index(own)]), strict=True))
        ranking = dict(sorted(scores.items(), key=lambda item: -item[1]))
        rows.append(Example(query_id, text, ranking, (own,)))
    write_mined(folder / "mined", Mined("fusion", rows, [], []), CORPUS)
    for name, split in {"people": DEV, "synthetic": DEV, "judged": Split(), "test": TEST}.items():
        write_split(folder / name, split)
    save_vectors(folder / "by_documents", of_corpus, doc_ids, "test")
    (folder / "known").mkdir()
    save_queries(folder / "known", list(SEEN.values()), of_seen)


@pytest.fixture
def api(tmp_path: Path, with_params: Change, embedding_server: EmbeddingServer) -> EmbeddingServer:
    """A project whose documents.model is behind an endpoint that turns what it gives queries."""
    embedding_server.vector = turned
    settings = with_params(SHORT | API)
    (tmp_path / "documents").mkdir()
    write_record(tmp_path / "documents", settings.documents)
    of_corpus = unit([document.contents for document in CORPUS.values()])
    of_seen = unit([f"query: {text}" for text in SEEN.values()])
    lay_out(tmp_path, settings, of_corpus, of_seen)
    return embedding_server


def adapt_all(run: Run) -> str:
    return run(
        adapt,
        corpus="corpus.jsonl",
        mined="mined",
        dev="people",
        synthetic_dev="synthetic",
        judged="judged",
        documents="documents",
        vectors="by_documents",
        queries="known",
        store="adapt.jsonl",
        out="models/adapter",
        metrics="adapt.json",
    )


def compared(run: Run, tmp_path: Path, tiny_model: Path) -> dict[str, dict[str, Any]]:
    """What `others` measures, by the system's name."""
    (tmp_path / "base").symlink_to(tiny_model)
    random = np.random.default_rng(0).standard_normal((len(CORPUS), 32)).astype(np.float32)
    save_vectors(tmp_path / "vectors", random, list(CORPUS), "test")
    run(
        others,
        corpus="corpus.jsonl",
        dev="people",
        synthetic_dev="synthetic",
        judged="judged",
        test="test/queries.jsonl",
        base="base",
        base_vectors="vectors",
        documents="documents",
        document_vectors="by_documents",
        adapter="models/adapter",
        models="others",
        stores="stores",
        out="out",
        metrics="others.json",
    )
    return {row["name"]: row for row in read_json(tmp_path / "others.json")["rows"]}


@pytest.mark.parametrize("kind", ["linear", "two-layers"])
def test_an_untrained_adapter_changes_nothing(kind: str) -> None:
    vectors = unit(list(SEEN.values()))
    np.testing.assert_allclose(adapted(identity(kind, WIDTH), vectors), vectors, atol=1e-6)


def of_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the code of the adapter's card computes, in the folder that it speaks of."""
    (code,) = re.findall(
        "```python\n(.+)```", (tmp_path / "models/adapter/README.md").read_text(), re.S
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the card's own
    return names


@pytest.mark.parametrize("kind", ["linear", "two-layers"])
def test_what_turns_all_queries_is_turned_back(
    kind: str,
    tmp_path: Path,
    api: EmbeddingServer,
    run: Run,
    with_params: Change,
    tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_params(SHORT | API | {"adapt.kind": kind})
    said = adapt_all(run)
    assert f"adapt: {kind}, 12 examples, " in said
    assert "ships, believed to gain +0." in said
    asked = [text for body in api.bodies for text in body["input"]]
    assert sorted(asked) == sorted(f"query: {text}" for text in DEV.queries.values())

    rows = compared(run, tmp_path, tiny_model)
    before, after = (rows[name]["dense"]["people"] for name in ("documents", "adapted"))
    assert before["ndcg_cut_10"] < 0.2
    assert after["ndcg_cut_10"] > 0.5
    # queries that neither trained nor chose
    reached = [
        ndcg(search(tmp_path / "out" / name / "queries"), TEST.qrels)
        for name in ("documents", "adapted")
    ]
    assert reached[1] > reached[0] + 0.3

    vector = of_the_card(tmp_path, monkeypatch)["vector"]
    given = unit(["query: a query"])
    (ours,) = adapted(load_adapter(tmp_path / "models/adapter"), given)
    np.testing.assert_allclose(vector, ours, atol=1e-6)
    assert not np.allclose(vector, given[0], atol=0.1)


def search(queries: Path) -> Ranked:
    """The run of the test queries."""
    of_corpus = unit([document.contents for document in CORPUS.values()])
    known = Known(list(CORPUS), of_corpus, load_queries(queries))
    return Embedded(known).search(TEST.queries, 10)


def test_where_dev_speaks_against_it_nothing_changes(
    tmp_path: Path, api: EmbeddingServer, run: Run, with_params: Change, tiny_model: Path
) -> None:
    """The queries lie where their documents are, and the teacher is wrong."""
    api.vector = lambda text, size: vector_of(text.removeprefix("query: what of "), size)
    with_params(SHORT | API | {"adapt.kind": "linear", "adapt.epochs": 2})
    said = adapt_all(run)
    assert "the identity is kept: on 8 people dev queries" in said
    curve = read_json(tmp_path / "adapt.json")["candidates"]
    assert curve[0]["name"] == "identity"
    assert len({row["people_dense"] for row in curve}) > 1, "what was trained is another"
    rows = compared(run, tmp_path, tiny_model)
    assert rows["adapted"]["dense"] == rows["documents"]["dense"]
    assert rows["adapted"]["dense_weight"] == rows["documents"]["dense_weight"]
    places = {"metrics": "others.json", "documents": "documents", "models": "others"}
    told = run(bases, corpus="corpus.jsonl", base="base", **places)
    assert re.search(r"^adapted +4 +8 +by its endpoint", told, re.M)


def test_a_model_of_this_machine_goes_along(
    tmp_path: Path,
    tiny_model: Path,
    run: Run,
    with_params: Change,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where there is nothing to learn from, it is the model itself that loads."""
    model = {"documents.model": "wide", "documents.max_length": 16, "documents.query_prefix": "a "}
    settings = with_params(SHORT | model | {"adapt.kind": "two-layers"})
    shutil.copytree(tiny_model, tmp_path / "documents")
    embedder = LocalEmbedder(tmp_path / "documents", settings.documents)
    of_corpus = embedder.documents([document.contents for document in CORPUS.values()])
    lay_out(tmp_path, settings, of_corpus, embedder.queries(list(SEEN.values())))
    write_mined(tmp_path / "mined", Mined("base", [], [], []), CORPUS)
    assert "0 examples, the identity is kept" in adapt_all(run)
    names = of_the_card(tmp_path, monkeypatch)
    np.testing.assert_allclose(names["queries"], embedder.queries(["a query"]), atol=2e-2)
    np.testing.assert_allclose(names["documents"], embedder.documents(["a document"]), atol=2e-2)
    router: Any = SentenceTransformer("models/adapter")[0]
    shared = router.sub_modules
    assert shared["query"][0] is shared["document"][0]
    assert not list((tmp_path / "models/adapter").rglob("*.bin"))


def test_what_dev_and_test_queries_cost_is_told(
    tmp_path: Path,
    api: EmbeddingServer,
    run: Run,
    with_params: Change,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def told() -> str:
        settings = read_params(tmp_path / "params.yaml")
        names = ("corpus.jsonl", "train", "test", "none", "stores")
        corpus, train, test, synthetic, stores = (tmp_path / name for name in names)
        embedders(settings, corpus, train, [tmp_path / "people"], test, synthetic, stores)
        return capsys.readouterr().out

    write_split(tmp_path / "test", Split({"t1": "a test query"}, {}))
    every = len({*DEV.queries.values(), "a test query"})
    assert "adapt" not in told()
    assert f"others/documents, queries: {every} texts, " in told()
    with_params(SHORT | API | {"adapt.kind": "linear"})
    write_mined(tmp_path / "mined", Mined("base", [], [], []), CORPUS)  # nothing trains
    assert f"adapt, queries: {len(DEV.queries)} texts, " in told()
    assert "others/documents, queries: 1 texts, " in told(), "the rest is in the journal by then"
    adapt_all(run)
    assert "adapt, queries: 0 texts, 0 tokens" in told()
    assert api.bodies


def test_it_is_off_unless_it_is_asked_for(tmp_path: Path, api: EmbeddingServer, run: Run) -> None:
    assert "adapt: adapt.kind is none" in adapt_all(run)
    assert not has_files(tmp_path / "models/adapter")
    assert read_json(tmp_path / "adapt.json") == {}
    assert not api.bodies
