"""Untuned models beside the base: a folder, an endpoint's, and documents.model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from stages import others
from stages.lib.core.collection import Split, write_corpus, write_split
from stages.lib.core.files import read_json
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.vectors import load_queries, load_vectors, save_vectors
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.study import bases
from tests.conftest import Change
from tests.embedders.server import EmbeddingServer
from tests.teaching.mining import CORPUS, DEV, SHORT, TRAIN
from tests.tiny import make_tiny_model

MODEL = {
    "revision": "",
    "provider": "local",
    "max_length": 32,
    "query_prefix": "",
    "document_prefix": "",
    "dimensions": 0,
}


@pytest.fixture
def project(tmp_path: Path, tiny_model: Path, with_params: Change) -> Path:
    wide = make_tiny_model(tmp_path / "wide", seed=1, width=48)
    (wide / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    listed: list[dict[str, Any]] = [
        MODEL | {"name": "wide", "model": str(wide)},
        MODEL | {"name": "api", "model": "embed-1", "provider": "openai", "dimensions": 16},
    ]
    settings = with_params(SHORT | {"evaluate.others": listed})
    (tmp_path / "base").symlink_to(tiny_model)
    (tmp_path / "documents").mkdir()
    (tmp_path / "adapter").mkdir()
    texts = [document.contents for document in CORPUS.values()]
    vectors = encode(load_encoder(tiny_model, settings.encoder), texts)
    save_vectors(tmp_path / "vectors", vectors, list(CORPUS), "test")
    write_corpus(tmp_path / "corpus.jsonl", CORPUS)
    write_split(tmp_path / "synthetic", DEV)
    write_split(tmp_path / "people", DEV)
    write_split(tmp_path / "judged", Split())
    write_split(tmp_path / "test", TRAIN)
    return tmp_path


def run(project: Path, command: Any, paths: dict[str, str]) -> str:
    words = [w for name, path in paths.items() for w in (f"--{name}", str(project / path))]
    result = CliRunner().invoke(
        command.main, [*words, "--params", str(project / "params.yaml")], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return result.stdout


def measured(project: Path) -> str:
    paths = {
        "corpus": "corpus.jsonl",
        "dev": "people",
        "synthetic-dev": "synthetic",
        "judged": "judged",
        "test": "test/queries.jsonl",
        "base": "base",
        "base-vectors": "vectors",
        "documents": "documents",
        "document-vectors": "by-documents",
        "adapter": "adapter",
        "models": "models",
        "stores": "stores",
        "out": "out",
        "metrics": "others.json",
    }
    return run(project, others, paths)


def table(project: Path) -> list[str]:
    paths = {
        "metrics": "others.json",
        "corpus": "corpus.jsonl",
        "base": "base",
        "documents": "documents",
        "models": "models",
    }
    return run(project, bases, paths).splitlines()


def test_each_model_is_measured_beside_the_base(
    project: Path, embedding_server: EmbeddingServer
) -> None:
    assert "others: 2 models, the best on people dev is " in measured(project)
    rows = {row["name"]: row for row in read_json(project / "others.json")["rows"]}
    assert list(rows) == ["base", "wide", "api"]
    assert {name: row["dimensions"] for name, row in rows.items()} == {
        "base": 32,
        "wide": 48,
        "api": 16,
    }
    assert rows["wide"]["bytes"] == 96  # two each, as bfloat16
    assert (rows["wide"]["licence"], rows["api"]["licence"]) == ("mit", "the provider's")
    assert rows["base"]["dense"]["people"]["difference"] == 0
    gap = rows["wide"]["dense"]["people"]
    base = rows["base"]["dense"]["people"]["ndcg_cut_10"]
    assert gap["difference"] == pytest.approx(gap["ndcg_cut_10"] - base, abs=1e-6)
    # test queries are encoded for the report, and measured by nobody here
    asked = load_queries(project / "out" / "wide" / "queries").keys()
    assert asked == {*DEV.queries.values(), *TRAIN.queries.values()}
    assert load_vectors(project / "out" / "api" / "documents", CORPUS).shape == (len(CORPUS), 16)
    assert all(body["model"] == "embed-1" for body in embedding_server.bodies)

    lines = table(project)
    assert lines[0] == "On 8 people dev queries, nDCG@10:"
    speeds = {line.split()[0]: line for line in lines[lines.index("") + 1 :] if line.strip()}
    assert speeds["wide"].endswith("  mit")
    assert float(speeds["wide"].split()[3]) > 0
    assert "by its endpoint  the provider's" in speeds["api"]


@pytest.mark.usefixtures("embedding_server")
def test_documents_that_are_encoded_are_not_encoded_again(project: Path) -> None:
    measured(project)
    path = project / "out" / "wide" / "documents" / "vectors.npy"
    before = np.load(path)
    # a row that no model gives shows where the next one is from
    np.save(path, np.concatenate([-before[:1], before[1:]]))
    measured(project)
    assert np.array_equal(np.load(path)[0], -before[0])
    assert not list((project / "out").rglob(".*.rows"))


def test_the_documents_model_is_one_of_them(project: Path, with_params: Change) -> None:
    with_params(
        SHORT | {"documents.model": str(project / "wide" / "model"), "documents.max_length": 32}
    )
    settings = read_params(project / "params.yaml")
    (project / "documents").rmdir()
    (project / "wide" / "model").rename(project / "documents")
    wide = load_encoder(project / "documents", settings.documents.encoder)
    texts = [document.contents for document in CORPUS.values()]
    save_vectors(project / "by-documents", encode(wide, texts), list(CORPUS), "wide")
    measured(project)
    assert [row["name"] for row in read_json(project / "others.json")["rows"]] == [
        "base",
        "documents",
    ]


def test_without_others_nothing_is_encoded(project: Path, with_params: Change) -> None:
    with_params(SHORT)
    assert "evaluate.others is empty" in measured(project)
    assert read_json(project / "others.json") == {}
    result = CliRunner().invoke(
        bases.main,
        [
            *("--metrics", str(project / "others.json"), "--corpus", str(project / "corpus.jsonl")),
            *("--base", "x", "--documents", "x", "--models", "x"),
            *("--params", str(project / "params.yaml")),
        ],
    )
    assert result.exit_code == 1
    assert "evaluate.others: names no model" in result.output


def test_names_are_free_and_their_own(with_params: Change) -> None:
    for names, words in ((["tuned"], "'tuned' is one of"), (["a", "a"], "two are called 'a'")):
        listed = [MODEL | {"name": name, "model": "m"} for name in names]
        with pytest.raises(UserError, match=words):
            with_params(SHORT | {"evaluate.others": listed})
