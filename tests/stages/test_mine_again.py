"""What the stage mine does not compute again."""

import shutil
from pathlib import Path

import numpy as np

from stages.lib.core.collection import (
    Document,
    write_corpus,
)
from stages.lib.core.generated import Generated, write_generated
from stages.lib.encoding.vectors import save_vectors
from tests.conftest import Change
from tests.teaching.mining import CORPUS, DEV, SHORT, TRAIN, anew, run


def test_a_query_is_ranked_once(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    everything = len(TRAIN.queries) + len(DEV.queries) + 1
    assert anew(mining_project, tiny_model) == everything
    files = ("mined/train.jsonl", "mined/unlabelled.jsonl", "mined/dev.jsonl", "rankings/rows.npy")
    before = [(mining_project / name).read_bytes() for name in files]
    assert anew(mining_project, tiny_model) == 0
    assert [(mining_project / name).read_bytes() for name in files] == before
    # what is read off a ranking changes no ranking
    with_params(SHORT | {"mine.negatives": 1})
    assert anew(mining_project, tiny_model) == 0
    unlabelled = [Generated(name, "blue-dog", "phrase", name) for name in ("dog blue", "the dog")]
    write_generated(mining_project / "synthetic" / "unlabelled.jsonl", unlabelled)
    assert anew(mining_project, tiny_model) == 1


def test_a_query_is_encoded_once(mining_project: Path, tiny_model: Path) -> None:
    everything = len(TRAIN.queries) + len(DEV.queries) + 1
    assert f", {everything} encoded anew" in run(mining_project, tiny_model).stdout
    # ranked by what is remembered, few queries need their vectors, and all keep them
    assert "0 queries ranked anew, 0 encoded anew" in run(mining_project, tiny_model).stdout
    edited = Document("red-apple", "", "the red apple is a bird")
    write_corpus(mining_project / "corpus.jsonl", {**CORPUS, "red-apple": edited})
    said = run(mining_project, tiny_model).stdout
    assert f"{everything} queries ranked anew, 0 encoded anew" in said
    files = [mining_project / f"mined/{name}.jsonl" for name in ("train", "unlabelled", "dev")]
    warm = [path.read_bytes() for path in files]
    for name in ("rankings", "mined-vectors"):
        shutil.rmtree(mining_project / name)
    assert f", {everything} encoded anew" in run(mining_project, tiny_model).stdout
    assert [path.read_bytes() for path in files] == warm


def test_another_corpus_or_teacher_ranks_all_anew(
    mining_project: Path, tiny_model: Path, with_params: Change
) -> None:
    everything = anew(mining_project, tiny_model)
    with_params(SHORT | {"bm25.k1": 0.5})
    assert anew(mining_project, tiny_model) == everything
    edited = Document("red-apple", "", "the red apple is a bird")
    write_corpus(mining_project / "corpus.jsonl", {**CORPUS, "red-apple": edited})
    assert anew(mining_project, tiny_model) == everything
    vectors = np.load(mining_project / "vectors" / "vectors.npy")
    save_vectors(mining_project / "vectors", vectors[::-1], list(CORPUS), "test")
    assert anew(mining_project, tiny_model) == everything
    assert anew(mining_project, tiny_model) == 0
