from pathlib import Path

import numpy as np
import pytest

from stages.lib.embedders.embedder import Embedder, open_embedder
from stages.lib.embedders.estimate import Estimate, estimate
from stages.lib.encoding.encoder import Vectors
from stages.lib.encoding.remote import write_record
from stages.lib.errors import UserError
from stages.lib.llm_params import Price
from stages.lib.params import read_params
from tests.embedders.server import EmbeddingServer, vector_of
from tests.imports import ROOT

TEXTS = [f"text {number}" for number in range(70)]


def embedder(folder: Path, model: str = "embed-1", dimensions: int = 0) -> Embedder:
    params = read_params(ROOT / "params.yaml")
    prefixes = {"query_prefix": "query: ", "document_prefix": "doc: "}
    named = params.documents.model_copy(
        update={"model": model, "provider": "openai", "dimensions": dimensions, **prefixes}
    )
    (folder / "model").mkdir(exist_ok=True)
    write_record(folder / "model", named)
    store = folder / "store.jsonl"
    return open_embedder(folder / "model", named, params, store, "documents.model")


def expected(texts: list[str], dimensions: int = 8) -> Vectors:
    vectors = np.array([vector_of(text, dimensions) for text in texts])
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def test_each_text_gets_its_unit_vector(embedding_server: EmbeddingServer, tmp_path: Path) -> None:
    documents = embedder(tmp_path).documents(TEXTS)
    np.testing.assert_allclose(documents, expected(["doc: " + t for t in TEXTS]), atol=1e-6)
    queries = embedder(tmp_path).queries(["one", "", "one"])
    np.testing.assert_allclose(
        queries, expected(["query: one", "query: ", "query: one"]), atol=1e-6
    )
    assert max(len(body["input"]) for body in embedding_server.bodies) == 32


def test_no_text_is_paid_for_twice(embedding_server: EmbeddingServer, tmp_path: Path) -> None:
    first = embedder(tmp_path)
    first.documents(TEXTS[:40])
    calls = embedding_server.stats["calls"]
    # another checkout has the journal alone, and asks for what is new
    (tmp_path / "other").mkdir()
    embedder(tmp_path / "other").documents(TEXTS[:41])
    assert embedding_server.stats["calls"] == calls + 1
    assert embedding_server.bodies[-1]["input"] == ["doc: text 40"]
    # and another machine the stage's output alone
    first.save()
    (tmp_path / "home" / "responses.db").unlink()
    embedding_server.embeds = False
    np.testing.assert_array_equal(
        embedder(tmp_path).documents(TEXTS[:40]), first.documents(TEXTS[:40])
    )


def test_another_model_or_size_is_another_vector(
    embedding_server: EmbeddingServer, tmp_path: Path
) -> None:
    embedder(tmp_path).documents(["a"])
    embedder(tmp_path, model="embed-2").documents(["a"])
    shorter = embedder(tmp_path, dimensions=4).documents(["a"])
    assert shorter.shape == (1, 4)
    assert embedding_server.stats["calls"] == 3


def test_a_server_of_plain_numbers_and_small_calls(
    embedding_server: EmbeddingServer, tmp_path: Path
) -> None:
    embedding_server.base64, embedding_server.most = False, 5
    documents = embedder(tmp_path).documents(TEXTS)
    np.testing.assert_allclose(documents, expected(["doc: " + t for t in TEXTS]), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a text that is too long", "maximum context length is 512 tokens"),
        ("a lost one", "vectors for"),
        ("narrow", "vectors of 7 and of 8 dimensions"),
        ("not a number", "holds no vector of numbers"),
    ],
)
def test_a_fault_is_one_line(
    embedding_server: EmbeddingServer, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(UserError, match=words) as raised:
        embedder(tmp_path).documents(["fine", text])
    assert "\n" not in str(raised.value)
    assert "sk-secret" not in str(raised.value)
    assert embedding_server.stats["calls"] > 0


def test_what_came_before_a_fault_is_kept(
    embedding_server: EmbeddingServer, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="run again to go on"):
        embedder(tmp_path).documents([*TEXTS[:40], "too long"])
    calls = embedding_server.stats["calls"]
    embedder(tmp_path).documents(TEXTS[:40])
    assert embedding_server.stats["calls"] == calls


def test_an_endpoint_without_embeddings(embedding_server: EmbeddingServer, tmp_path: Path) -> None:
    embedding_server.embeds = False
    with pytest.raises(UserError, match=r"check documents\.model in params\.yaml"):
        embedder(tmp_path).documents(["a"])


def test_a_budget_holds(
    embedding_server: EmbeddingServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_BUDGET", "0.0002")
    with pytest.raises(UserError, match=r"prices\.models: no entry for 'embed-1'"):
        embedder(tmp_path).documents(TEXTS)
    # gpt-4.1-mini's price stands for an embedding model's: 0.40 a million tokens
    with pytest.raises(UserError, match="EMBEDSMITH_BUDGET of 0.0002 is reached"):
        embedder(tmp_path, model="gpt-4.1-mini").documents([text * 9 for text in TEXTS])
    assert embedding_server.stats["calls"] <= 1


@pytest.mark.usefixtures("embedding_server")
def test_documents_are_written_block_by_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stages.lib.embedders.endpoint.BLOCK", 30)
    width = embedder(tmp_path).write_documents(tmp_path / "vectors.npy", TEXTS, tmp_path / "out")
    assert width == 8
    np.testing.assert_allclose(
        np.load(tmp_path / "vectors.npy"), expected(["doc: " + t for t in TEXTS]), atol=1e-3
    )


def test_what_is_stored_costs_nothing_more(
    embedding_server: EmbeddingServer, tmp_path: Path
) -> None:
    params = read_params(ROOT / "params.yaml")
    named = params.documents.model_copy(update={"model": "embed-1", "provider": "openai"})
    price = Price(input=2.0, output=0.0)

    def left() -> Estimate:
        return estimate(named, "doc: ", [*TEXTS, TEXTS[0]], tmp_path / "store.jsonl", price)

    # "doc: text 9" has 11 characters, "doc: text 10" one more
    characters = 10 * 11 + 60 * 12
    assert left() == Estimate("embed-1", 70, characters / 4, 2.0 * (characters / 4) / 1e6)
    embedder(tmp_path).documents(TEXTS[10:])
    assert left() == Estimate("embed-1", 10, 110 / 4, 2.0 * (110 / 4) / 1e6)
    assert embedding_server.stats["calls"] == 2
