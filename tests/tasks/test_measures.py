"""What a model reaches on rows, beside what its cosines say."""

from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from stages.lib.tasks.comparison import compared, rank_correlation
from stages.lib.tasks.measures import Measured, holds, measure
from stages.lib.tasks.rows import Row
from stages.lib.tasks.task import Task, read_kind
from tests.imports import ROOT

KINDS = ROOT / "stages" / "presets" / "tasks"
CORPUS = ["red apple", "green pear", "blue car", "the bus", "a dog"]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> SentenceTransformer:
    return SentenceTransformer(str(tiny_model), device="cpu")


def ranks(model: SentenceTransformer, query: str, texts: list[str]) -> list[str]:
    cosines = model.encode(texts) @ model.encode([query])[0]
    return [texts[at] for at in np.argsort(-cosines)]


def test_measures_follow_the_ranking(model: SentenceTransformer) -> None:
    changes = {"instruction_query": "", "instruction_document": "", "cutoffs": [2, 5]}
    settings = read_kind(KINDS, "qa", changes, "test")
    order = ranks(model, "what is it", CORPUS)
    answered = Row(query="what is it", answers=[order[1].upper()])
    judged = Row(query="what is it", pos=[order[2]])
    found = measure(model, Task("t", settings, [judged], CORPUS), [judged, answered]).values
    means = {name: values.tolist() for name, values in found.items()}
    assert means.pop("recip_rank_5") == [pytest.approx(1 / 3)]
    assert means.pop("ndcg_cut_5") == [pytest.approx(0.5)]
    assert means == {
        "recip_rank_2": [0],
        "ndcg_cut_2": [0],
        "recall_2": [0],
        "recall_5": [1],
        "answer_2": [1],
        "answer_5": [1],
    }


def test_a_label_is_ranked_among_those_of_its_task(model: SentenceTransformer) -> None:
    settings = read_kind(KINDS, "long-short", {"instruction_query": ""}, "test")
    order = ranks(model, "how", CORPUS)
    rows = [
        Row(query="how", pos=[order[1]], neg=[order[2]], task="one"),
        Row(query="what", pos=[order[0]], neg=[order[4]], task="other"),
    ]
    (first, _) = measure(model, Task("t", settings, rows), rows).values["accuracy"]
    assert first == 1  # the nearest of all would be the other task's


def test_a_memory_is_ranked_among_its_own_turns(model: SentenceTransformer) -> None:
    settings = read_kind(KINDS, "chat", {"measures": ["mrr"], "cutoffs": [3]}, "test")
    rows = [Row(query="q", history=["red"], teacher_scores=[-1])]
    task = Task("t", settings, rows, CORPUS)
    assert measure(model, task, rows).values["recip_rank_3"].tolist() == [1]


def test_an_answer_is_found_word_by_word() -> None:
    assert holds("In Paris, France.", ["paris france", "paris , france"])
    assert not holds("Parisian life", ["paris"])
    assert not holds("anything", [""])


def test_spearman_is_that_of_the_ranks() -> None:
    # one swap of neighbours among four: 1 - 6 * 2 / (4 * 15)
    assert rank_correlation(np.array([1, 2, 4, 3]), np.array([0, 1, 2, 3])) == pytest.approx(0.8)
    assert rank_correlation(np.zeros(3), np.arange(3)) == 0
    grades = np.array([0.0, 0.2, 0.5, 1.0])
    base, trained = (Measured({}, np.array(side), grades) for side in ([4, 3, 2, 1], [1, 2, 4, 3]))
    line = compared(base, trained, 100, seed=1)["spearman"]
    assert (line["n"], line["base"], line["trained"]) == (4, -1.0, pytest.approx(0.8))
