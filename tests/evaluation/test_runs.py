from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.errors import UserError
from stages.lib.evaluation.runs import read_run, write_run
from stages.lib.search.engine import Run
from stages.lib.search.metrics import per_query

IDS = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=5).filter(
    lambda text: text.split() == [text]
)
SCORES = st.sampled_from([0.0, 1.0, 0.1, -1.0, 1 / 3]) | st.floats(-100, 100)


@given(st.dictionaries(IDS, st.dictionaries(IDS, SCORES, min_size=1), max_size=4))
def test_a_round_trip_keeps_the_order(tmp_path_factory: pytest.TempPathFactory, run: Run) -> None:
    ranked = {
        query_id: dict(sorted(ranking.items(), key=lambda each: -each[1]))
        for query_id, ranking in run.items()
    }
    path = tmp_path_factory.mktemp("trec") / "run.trec"
    write_run(path, ranked, "tag")
    found = read_run(path)
    assert {query_id: list(ranking) for query_id, ranking in found.items()} == {
        query_id: list(ranking) for query_id, ranking in ranked.items()
    }


def test_the_columns(tmp_path: Path) -> None:
    write_run(tmp_path / "run", {"q2": {"b": 0.5}, "q1": {"c": 2.0, "a": 1.0}}, "tuned")
    assert (tmp_path / "run").read_text() == (
        "q1 Q0 c 1 2 tuned\nq1 Q0 a 2 1 tuned\nq2 Q0 b 1 0.5 tuned\n"
    )


def test_a_run_is_read_as_trec_eval_reads_it(tmp_path: Path) -> None:
    # 1 and 1.00000001 are the same float32; ranks and the order of lines say nothing
    (tmp_path / "run").write_text("q Q0 a 1 1.00000001 t\nq Q0 z 2 1 t\nq Q0 m 3 5 t\n")
    run = read_run(tmp_path / "run")
    assert list(run["q"]) == ["m", "z", "a"]
    assert per_query(run, {"q": {"z": 1}})["recip_rank"]["q"] == 0.5


@pytest.mark.parametrize("line", ["q Q0 a 1 0.5", "q Q0 a 1 high t", "q Q0 a 1 nan t", "q 0.5"])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "run").write_text(f"q Q0 b 1 1 t\n{line}\n")
    with pytest.raises(UserError, match=r"run:2: expected six columns: query_id Q0 doc_id"):
        read_run(tmp_path / "run")


def test_a_repeated_document_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("q Q0 b 1 1 t\nq Q0 b 2 0.5 t\n")
    with pytest.raises(UserError, match=r"run:2: b is in query q twice"):
        read_run(tmp_path / "run")
