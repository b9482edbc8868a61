"""The stage train by itself, in one process and in several."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sentence_transformers import SentenceTransformer

from stages.lib.core.collection import (
    MEASURED_ON,
    SYNTHETIC,
    Split,
    read_split,
    write_split,
)
from stages.lib.core.files import read_json, read_jsonl, write_json, write_jsonl
from stages.lib.encoding.encoder import encode, load_encoder, towers
from stages.lib.params import read_params
from stages.lib.search.metrics import ndcg
from stages.train import main
from tests.commands import attempt
from tests.conftest import Change
from tests.training.staged import CORPUS, options, run, trained


@pytest.mark.slow
def test_two_processes_train_what_one_trains(training_project: Path, tiny_model: Path) -> None:
    run(training_project, tiny_model)
    command = ("python", "-m", "stages.train", *options(training_project, tiny_model, 2))
    started = attempt(Path.cwd(), *command)
    assert started.returncode == 0, started.stderr
    base = np.load(training_project / "vectors" / "vectors.npy")
    alone, together = trained(training_project, 1), trained(training_project, 2)
    moved = 1 - (alone * base).sum(axis=1)
    apart = 1 - (alone * together).sum(axis=1)
    assert moved.mean() > 0.01
    # bfloat16 rounds differently in batches of another size, and no more than that
    assert apart.mean() < moved.mean() / 20


@pytest.mark.parametrize("judged", [0, 2])
def test_the_synthetic_dev_queries_train_where_people_judge(
    training_project: Path, tiny_model: Path, judged: int
) -> None:
    synthetic = read_split(training_project / "synthetic")
    qrels = dict(list(synthetic.qrels.items())[:judged])
    queries = {query_id: synthetic.queries[query_id] for query_id in qrels}
    write_split(training_project / "dev", Split(queries, qrels))
    done = run(training_project, tiny_model)
    told = read_json(training_project / "metrics-1.json")
    assert told["examples"] == len(CORPUS) * (2 if judged else 1)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"train: {told['examples']} examples, ")
    assert told["dev"] == ({"people": judged} if judged else {"synthetic": len(CORPUS)})


@pytest.mark.parametrize("people", [True, False])
def test_what_an_llm_judged_chooses_beside_people_and_its_documents_queries_never_train(
    training_project: Path, tiny_model: Path, people: bool
) -> None:
    synthetic = read_split(training_project / "synthetic")
    if people:
        write_split(training_project / "dev", synthetic)
    write_split(training_project / "judged", Split({"q3": "what"}, {"q3": {"d01": 3}}))
    run(training_project, tiny_model)
    told = read_json(training_project / "metrics-1.json")
    assert told["dev"] == ({"people": len(CORPUS)} if people else {}) | {"judged": 1}
    assert told["examples"] == len(CORPUS)


def test_no_document_is_mixed_with_queries_that_the_report_measures_by(
    training_project: Path, tiny_model: Path
) -> None:
    held_out = Split({"s1": "something else"}, {"s1": {"d01": 1}})
    write_split(training_project / "synthetic", held_out)
    found = []
    for basis in ("test", SYNTHETIC):
        (training_project / MEASURED_ON).write_text(basis + "\n")
        run(training_project, tiny_model)
        assert not read_json(training_project / "metrics-1.json")["kept_base"]
        found.append(np.load(training_project / "tuned-1" / "vectors" / "vectors.npy")[1])
    settings = read_params(training_project / "params.yaml")
    query = encode(load_encoder(tiny_model, settings.encoder), ["something else"])[0]
    mixed, plain = (float(vector.astype(np.float32) @ query) for vector in found)
    assert mixed > plain + 0.01


@pytest.mark.parametrize("teacher", ["fusion", "base"])
@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_what_was_judged_teaches_beside_the_teacher_and_without_one(
    training_project: Path, tiny_model: Path, with_params: Change, teacher: str, weight: float
) -> None:
    doc_ids = list(CORPUS)
    rows = [row for _, row in read_jsonl(training_project / "mined" / "train.jsonl")]
    answers = {
        row["query_id"]: doc_ids[(number + 2) % len(doc_ids)] for number, row in enumerate(rows)
    }
    rows = [row | {"answers": [answers[row["query_id"]]]} for row in rows]
    write_jsonl(training_project / "mined" / "train.jsonl", [rows[0] | {"answers": []}, *rows[1:]])
    write_jsonl(training_project / "mined" / "dev.jsonl", [])
    write_json(training_project / "mined" / "teacher.json", {"teacher": teacher})
    judged = list(answers)[1:]
    queries = read_split(training_project / "synthetic").queries
    write_split(
        training_project / "dev",
        Split(
            {each: queries[each] for each in judged}, {each: {answers[each]: 1} for each in judged}
        ),
    )
    with_params(
        {
            "encoder.max_length": 16,
            "train.epochs": 3,
            "train.batch_size": 8,
            "train.document_learning_rate": 3e-2,
            "train.judged_weight": weight,
        }
    )
    run(training_project, tiny_model)
    told = read_json(training_project / "metrics-1.json")
    taught = len(CORPUS) - 1 if weight else 0
    assert told["examples"] == (taught if teacher == "base" else len(CORPUS))
    base, *_, last = read_json(training_project / "curve-1.json")
    gain = last["people_dense"] - base["people_dense"]
    assert (gain > 0.2) == (weight > 0), gain


def test_a_refused_teacher_says_nothing_of_judged_queries(
    training_project: Path, tiny_model: Path, with_params: Change
) -> None:
    rows = [
        row | {"answers": row["pos_ids"]}
        for _, row in read_jsonl(training_project / "mined/train.jsonl")
    ]
    write_jsonl(training_project / "mined" / "train.jsonl", rows)
    write_json(training_project / "mined" / "teacher.json", {"teacher": "base"})
    short: dict[str, Any] = {"encoder.max_length": 16, "train.batch_size": 8, "train.runs": 1}
    found = []
    for weight in (0.0, 1.0):
        with_params(short | {"train.kl_weight": weight})
        run(training_project, tiny_model)
        assert not read_json(training_project / "metrics-1.json")["kept_base"]
        found.append(trained(training_project, 1))
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("tower", ["vectors", "query", "full"])
@pytest.mark.parametrize("judged_weight", [0.0, 10.0])
def test_with_nothing_to_learn_nothing_is_trained(
    training_project: Path,
    tiny_model: Path,
    with_params: Change,
    tower: str,
    judged_weight: float,
) -> None:
    write_json(training_project / "mined" / "teacher.json", {"teacher": "base"})
    if not judged_weight:  # judgements that count for nothing teach nothing
        path = training_project / "mined" / "train.jsonl"
        write_jsonl(path, [row | {"answers": row["pos_ids"]} for _, row in read_jsonl(path)])
    changes = {"train.tower": tower, "train.judged_weight": judged_weight, "train.batch_size": 8}
    settings = with_params(changes | {"encoder.max_length": 16})
    done = run(training_project, tiny_model)
    assert done.stdout.startswith("train: 0 examples, ")
    told = read_json(training_project / "metrics-1.json")
    assert told["examples"] == 0
    # documents may be enriched without training, where their vectors are weights
    assert told["chosen"] in (("base", "enriched") if tower == "vectors" else ("base",))
    query, _ = towers(training_project / "tuned-1")
    texts = [each.contents for each in CORPUS.values()]
    kept, base = (
        encode(load_encoder(each, settings.encoder), texts) for each in (query, tiny_model)
    )
    assert np.array_equal(kept, base)


def test_a_batch_that_cannot_be_shared(training_project: Path, tiny_model: Path) -> None:
    result = CliRunner().invoke(main, options(training_project, tiny_model, 3))
    assert result.exit_code == 1
    assert "train.batch_size: 8 cannot be shared by 3 processes" in result.output


def test_what_ships_is_chosen_by_its_prefixes_too(
    training_project: Path, tiny_model: Path, with_params: Change
) -> None:
    synthetic = read_split(training_project / "synthetic")
    write_split(training_project / "dev", synthetic)
    changes = {"encoder.max_length": 16, "train.matryoshka": [4], "train.epochs": 1}
    settings = with_params(changes | {"train.batch_size": 8})
    run(training_project, tiny_model)
    model = load_encoder(tiny_model, settings.encoder)
    texts = encode(model, list(synthetic.queries.values()))
    documents = np.load(training_project / "vectors" / "vectors.npy")
    reached = []
    for size in (32, 4):
        cut = documents[:, :size] / np.linalg.norm(documents[:, :size], axis=1, keepdims=True)
        scores = texts[:, :size] @ cut.T
        ranking = {
            query_id: {list(CORPUS)[place]: float(row[place]) for place in np.argsort(-row)}
            for query_id, row in zip(synthetic.queries, scores, strict=True)
        }
        reached.append(ndcg(ranking, synthetic.qrels))
    assert abs(reached[0] - reached[1]) > 0.05
    base = read_json(training_project / "curve-1.json")[0]
    assert base["people_dense"] == pytest.approx(sum(reached) / 2, abs=0.02)


def test_a_prefix_as_long_as_the_vectors(
    training_project: Path, tiny_model: Path, with_params: Change
) -> None:
    with_params({"encoder.max_length": 16, "train.matryoshka": [32], "train.batch_size": 8})
    result = CliRunner().invoke(main, options(training_project, tiny_model, 1))
    assert result.exit_code == 1
    assert "train.matryoshka: a prefix of 32 of 32 dimensions; name fewer" in result.output


def test_the_prefixes_that_trained_are_the_saved_models_prompts(
    training_project: Path, tiny_model: Path, with_params: Change
) -> None:
    base = training_project / "base"
    shutil.copytree(tiny_model, base)
    config = read_json(base / "config_sentence_transformers.json")
    own = {"prompts": {"query": "how ", "document": "bird "}, "default_prompt_name": "query"}
    write_json(base / "config_sentence_transformers.json", config | own)
    prefixes = {"encoder.query_prefix": "what is ", "encoder.document_prefix": ""}
    settings = with_params(
        prefixes | {"encoder.max_length": 16, "train.epochs": 1, "train.batch_size": 8}
    )
    run(training_project, base)
    texts = ["red apple", "the bus"]
    for path, prefix in zip(towers(training_project / "tuned-1"), ("what is ", ""), strict=True):
        wanted = encode(load_encoder(path, settings.encoder), texts, prefix)
        model = SentenceTransformer(str(path), device="cpu", local_files_only=True)
        found = model.encode(texts, normalize_embeddings=True)
        assert (found * wanted).sum(axis=1).min() > 0.999
