import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from stages import embed
from stages.lib.core.collection import Document, read_corpus, write_corpus
from stages.lib.core.files import read_json
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.portable import join_towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.params import Params
from tests.conftest import Change
from tests.imports import ROOT
from tests.tiny import WORDS, make_tiny_model


def run(folder: Path, model: Path, out: str, *more: str) -> str:
    loaded = yaml.safe_load((ROOT / "params.yaml").read_text())
    loaded["encoder"]["max_length"] = 16
    (folder / "params.yaml").write_text(yaml.safe_dump(loaded))
    corpus = folder / "corpus.jsonl"
    corpus.write_text('{"_id": "a", "text": "red apple"}\n{"_id": "b", "text": "blue car"}\n')
    options = ["--corpus", corpus, "--model", model, "--out", folder / out]
    options += ["--params", folder / "params.yaml", *more]
    result = CliRunner().invoke(embed.main, [str(each) for each in options])
    assert result.exit_code == 0, result.output
    return result.output


def test_vectors_are_taken_over_from_the_same_document_encoder_alone(
    tiny_model: Path, tmp_path: Path
) -> None:
    other = make_tiny_model(tmp_path / "other", seed=1)
    run(tmp_path, tiny_model, "base")
    towers = tmp_path / "towers"
    towers.mkdir()
    (towers / "query").symlink_to(other)
    (towers / "document").symlink_to(tiny_model)
    join_towers(towers)
    base_vectors = ("--vectors", str(tmp_path / "base"))
    taken_over = "embed: 2 documents, vectors of the same encoder taken over, "
    assert run(tmp_path, towers, "same", *base_vectors).startswith(taken_over)
    encoded = "embed: 2 documents, 2 of them encoded by model in 32 dimensions, "
    assert run(tmp_path, other, "different", *base_vectors).startswith(encoded)
    base, same, different = (
        np.load(tmp_path / name / "vectors.npy") for name in ("base", "same", "different")
    )
    assert np.array_equal(base, same)
    assert not np.allclose(base, different, atol=1e-2)


def corpus_of(folder: Path, texts: dict[str, str]) -> Path:
    path = folder / "corpus.jsonl"
    write_corpus(path, {each: Document(each, "", text) for each, text in texts.items()})
    return path


def arguments(folder: Path, model: Path) -> list[str]:
    options = ["--corpus", folder / "corpus.jsonl", "--model", model, "--out", folder / "out"]
    options += ["--params", folder / "params.yaml"]
    return [str(each) for each in options]


def again(folder: Path, model: Path, *more: str) -> tuple[str, Any]:
    result = CliRunner().invoke(embed.main, [*arguments(folder, model), *more])
    assert result.exit_code == 0, result.output
    return result.output, np.load(folder / "out" / "vectors.npy")


def test_a_changed_document_alone_is_encoded_again(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    with_params({"encoder.max_length": 16})
    texts = {f"d{n:02}": f"the red {word}. a {word} is" for n, word in enumerate(WORDS)}
    corpus_of(tmp_path, texts)
    _, before = again(tmp_path, tiny_model, "--with-sentences")
    assert ", 0 of them encoded" in again(tmp_path, tiny_model, "--with-sentences")[0]
    # a text that is known under another id moves all rows
    changed = texts | {"a": texts["d05"], "d03": "the red pear. what is how"}
    corpus_of(tmp_path, changed)
    said, after = again(tmp_path, tiny_model, "--with-sentences")
    # the document, and its sentence
    assert ", 2 of them encoded" in said
    order = read_json(tmp_path / "out" / "doc_ids.json")
    assert order == ["a", *texts]
    for row, doc_id in enumerate(texts):
        same = np.array_equal(after[order.index(doc_id)], before[row])
        assert same == (doc_id != "d03"), doc_id
    assert len(np.load(tmp_path / "out" / "sentences.npy")) == len(order)


def test_vectors_take_two_bytes_a_dimension_and_stay_near(
    tiny_model: Path, tmp_path: Path, params: Params, with_params: Change
) -> None:
    with_params({"encoder.max_length": 16})
    texts = {f"d{n:02}": f"the red {word}" for n, word in enumerate(WORDS)}
    corpus_of(tmp_path, texts)
    again(tmp_path, tiny_model)
    corpus = read_corpus(tmp_path / "corpus.jsonl")
    encoder = load_encoder(tiny_model, params.encoder.model_copy(update={"max_length": 16}))
    wanted = encode(encoder, list(texts.values()))
    assert (tmp_path / "out" / "vectors.npy").stat().st_size == 128 + 2 * wanted.size
    read = load_vectors(tmp_path / "out", corpus)
    assert read.dtype == np.float32
    # halves keep 11 bits
    np.testing.assert_allclose(read, wanted, rtol=2**-10, atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(read, axis=1), 1, atol=1e-6)


def test_another_encoder_takes_nothing_over(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    with_params({"encoder.max_length": 16})
    corpus_of(tmp_path, {"a": "red apple", "b": "blue car"})
    again(tmp_path, tiny_model)
    other = make_tiny_model(tmp_path / "other", seed=1)
    assert ", 2 of them encoded" in again(tmp_path, other)[0]


def test_a_killed_run_goes_on_where_it_was(
    tiny_model: Path, tmp_path: Path, with_params: Change
) -> None:
    with_params({"encoder.max_length": 16})
    texts = {f"d{n}": " ".join(WORDS[int(digit)] for digit in f"{n:06}") for n in range(8_000)}
    corpus_of(tmp_path, texts)
    command = [sys.executable, "-m", "stages.embed", *arguments(tmp_path, tiny_model)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None and not sum(
        path.stat().st_size for path in tmp_path.glob(".out.*.rows")
    ):
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not (tmp_path / "out").exists()
    (journal,) = tmp_path.glob(".out.*.rows")
    row = 16 + 2 * 32
    kept = journal.stat().st_size // row
    assert kept > 0
    with journal.open("ab") as file:
        file.write(b"torn")
    said, vectors = again(tmp_path, tiny_model)
    assert f", {8_000 - kept:,} of them encoded" in said
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)
    assert not list(tmp_path.glob(".out.*"))
