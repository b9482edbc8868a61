"""Embedders in folders."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from stages.lib.embedders.local import LocalEmbedder
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.hub import fetch_embedder
from stages.lib.encoding.portable import join_towers
from stages.lib.encoding.store import forget_unfinished
from stages.lib.encoding.vectors import describe_vectors, encoder_hash
from stages.lib.errors import UserError
from stages.lib.params import Params
from tests.tiny import make_tiny_model

TEXTS = ["red apple", "what is the color of a dog, a bird and a cat"]


@pytest.fixture
def two_towers(tmp_path: Path) -> Path:
    """A model with an encoder for queries and another one for documents."""
    folder = tmp_path / "tuned"
    for seed, side in enumerate(("query", "document")):
        shutil.copytree(make_tiny_model(tmp_path / side, seed=seed), folder / side)
    join_towers(folder)
    return folder


def section(params: Params, model: Path) -> EmbedderModel:
    return params.documents.model_copy(update={"model": str(model), "max_length": 8})


def test_queries_and_documents_may_have_encoders_of_their_own(
    params: Params, two_towers: Path, tmp_path: Path
) -> None:
    settings = section(params, two_towers)
    fetch_embedder(settings, "documents.model", "documents.revision", tmp_path / "fetched")
    embedder = LocalEmbedder(tmp_path / "fetched", settings)
    for side, encode in (("query", embedder.queries), ("document", embedder.documents)):
        alone = SentenceTransformer(str(two_towers / side))
        alone.max_seq_length = 8
        wanted = alone.encode(TEXTS, normalize_embeddings=True)
        assert np.allclose(encode(TEXTS), wanted, atol=2e-3), side
    assert not np.allclose(embedder.queries(TEXTS), embedder.documents(TEXTS), atol=0.05)


def test_documents_that_are_encoded_are_not_encoded_again(
    params: Params, two_towers: Path, tmp_path: Path
) -> None:
    embedder = LocalEmbedder(two_towers, section(params, two_towers))
    out = tmp_path / "out"
    out.mkdir()
    assert embedder.write_documents(out / "vectors.npy", TEXTS, out) == 32
    describe_vectors(out, ["a", "b"], encoder_hash(two_towers))
    forget_unfinished(out)
    first = np.load(out / "vectors.npy")
    np.testing.assert_allclose(first, embedder.documents(TEXTS), atol=1e-3)
    # a row that no encoder gives shows where the next one is from
    np.save(out / "vectors.npy", np.stack([first[0], -first[1]]))
    embedder.write_documents(tmp_path / "again.npy", ["a new one", *TEXTS], out)
    assert np.array_equal(np.load(tmp_path / "again.npy")[1:], [first[0], -first[1]])


def test_a_router_of_other_parts_is_refused(
    params: Params, two_towers: Path, tmp_path: Path
) -> None:
    (two_towers / "document" / "modules.json").unlink()
    with pytest.raises(UserError, match=r"documents\.model: .* are no models by themselves"):
        fetch_embedder(section(params, two_towers), "documents.model", "", tmp_path / "fetched")
    assert not (tmp_path / "fetched").exists()
