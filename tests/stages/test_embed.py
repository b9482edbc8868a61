from pathlib import Path

import numpy as np
import yaml
from click.testing import CliRunner

from stages import embed
from tests.imports import ROOT
from tests.tiny import make_tiny_model


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
    base_vectors = ("--vectors", str(tmp_path / "base"))
    taken_over = "embed: 2 documents, vectors of the same encoder taken over, "
    assert run(tmp_path, towers, "same", *base_vectors).startswith(taken_over)
    encoded = "embed: 2 documents, encoded by model in 32 dimensions, "
    assert run(tmp_path, other, "different", *base_vectors).startswith(encoded)
    base, same, different = (
        np.load(tmp_path / name / "vectors.npy") for name in ("base", "same", "different")
    )
    assert np.array_equal(base, same)
    assert not np.allclose(base, different, atol=1e-2)
