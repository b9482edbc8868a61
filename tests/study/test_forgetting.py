"""`make forgetting` on a collection of four documents."""

import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from stages.lib.encoding.encoder import load_encoder
from stages.lib.encoding.portable import join_towers
from stages.lib.params import Params
from stages.study import forgetting
from tests.conftest import Change

DOCUMENTS = {"a": "apples and pears", "b": "a red bus", "c": "dogs bark", "d": "trains"}


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    (folder / "qrels").mkdir(parents=True)
    rows = (f'{{"_id": "{doc_id}", "text": "{text}"}}' for doc_id, text in DOCUMENTS.items())
    (folder / "corpus.jsonl").write_text("\n".join(rows))
    # each query is its document's text, so that any encoder for both sides ranks it first
    rows = (f'{{"_id": "q{doc_id}", "text": "{text}"}}' for doc_id, text in DOCUMENTS.items())
    (folder / "queries.jsonl").write_text("\n".join(rows))
    judged = "".join(f"q{doc_id}\t{doc_id}\t1\n" for doc_id in DOCUMENTS)
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


@pytest.fixture
def params(with_params: Change) -> Params:
    return with_params({"encoder.max_length": 16})


def run(folder: Path, collection: Path, base: Path, tuned: Path) -> Result:
    params = folder / "params.yaml"
    options = ("--collection", collection, "--base", base, "--tuned", tuned, "--params", params)
    return CliRunner().invoke(forgetting.main, [str(option) for option in options])


def test_what_a_query_encoder_forgot_shows(
    collection: Path, tiny_model: Path, params: Params, tmp_path: Path
) -> None:
    tuned = tmp_path / "tuned"
    encoder = load_encoder(tiny_model, params.encoder)
    for weight in encoder.parameters():
        weight.data = torch.zeros_like(weight)  # it has forgotten everything
    encoder.save(str(tuned / "query"), create_model_card=False)
    shutil.copytree(tiny_model, tuned / "document")
    join_towers(tuned)
    told = run(tmp_path, collection, tiny_model, tuned).stdout
    assert "4 queries, 4 documents" in told
    assert "base 1.0000" in told
    # all documents tie: they stand at the ranks 1 to 4, one query at each
    assert f"tuned {(1 + 0.6309 + 0.5 + 0.4307) / 4:.4f}" in told


@pytest.mark.usefixtures("params")
def test_a_collection_that_nobody_judged_is_refused(
    collection: Path, tiny_model: Path, tmp_path: Path
) -> None:
    shutil.rmtree(collection / "qrels")
    result = run(tmp_path, collection, tiny_model, tiny_model)
    assert result.exit_code == 1
    assert "has no judged queries" in result.stderr
