import re
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from stages.lib.core.collection import Corpus, Queries, read_corpus
from stages.lib.encoding.encoder import encode
from stages.lib.errors import UserError
from stages.lib.page.searching import Searcher
from stages.lib.params import Params, read_params
from stages.lib.retrievers import Retrievers, load_retrievers
from stages.lib.search.engine import Embedded, Engine, Run
from stages.lib.vespa.operate.packaged import Package
from stages.lib.vespa.search.connection import Connection, Credentials
from stages.lib.vespa.search.engine import Ranking, VespaEngine
from stages.operate.index import main as index_main
from stages.operate.prune import main as prune_main
from tests.vespa.deployments import command, deploy, field_of, live, packed
from tests.vespa.standin import StandIn
from tests.vespa.workspace import QUERIES, ROOT, TEXTS, Workspace, check, invoke

SAMPLE = ROOT / "data" / "sample" / "corpus.jsonl"


def indexed(workspace: Workspace) -> Params:
    """Indexes the corpus; returns parameters that search in Vespa."""
    arguments = {"--corpus": workspace.corpus, "--vectors": "vectors"}
    check(invoke(index_main, workspace, arguments | {"--templates": ROOT / "application-package"}))
    workspace.set_top(engine="vespa")
    return read_params(workspace.folder / "params.yaml")


def retrievers(workspace: Workspace, params: Params, corpus: Corpus) -> Retrievers:
    return load_retrievers(corpus, workspace.folder / "tuned", workspace.folder / "vectors", params)


def agree(left: Run, right: Run) -> None:
    """Equal scores to float32's precision at every rank, and equal documents where no tie is."""
    assert left.keys() == right.keys()
    for query_id, ranking in left.items():
        other = right[query_id]
        np.testing.assert_allclose(list(ranking.values()), list(other.values()), atol=2e-5)
        least = min(ranking.values())
        clear = {doc_id for doc_id, score in ranking.items() if score > least + 1e-4}
        assert clear <= other.keys()
        for doc_id in clear:
            assert other[doc_id] == pytest.approx(ranking[doc_id], abs=2e-5)


@pytest.mark.parametrize("scorer", ["dense", "lexical", "fused"])
def test_runs_agree_with_the_embedded_engine_on_the_sample(
    workspace: Workspace, vespa: StandIn, scorer: str
) -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()[:120]
    workspace.corpus.write_text("\n".join(lines), encoding="utf-8")
    workspace.embed()
    corpus = read_corpus(workspace.corpus)
    queries: Queries = {doc_id: corpus[doc_id].text[:60] for doc_id in list(corpus)[:8]}
    here = retrievers(workspace, read_params(workspace.folder / "params.yaml"), corpus)
    there = retrievers(workspace, indexed(workspace), corpus)
    runs = []
    for found in (here, there):
        scorers = {"dense": found.dense, "lexical": found.lexical, "fused": found.fused(0.7)}
        engine: Engine = Embedded(scorers[scorer])
        runs.append(engine.search(queries, 20))
    agree(*runs)
    assert any(
        request["ranking.profile"] == "bm25" or "input.query(q)" in request
        for request in vespa.seen
    )
    assert not any("embed(" in str(request) for request in vespa.seen)


def test_the_page_shows_what_vespa_finds(workspace: Workspace, vespa: StandIn) -> None:
    corpus = read_corpus(workspace.corpus)
    text = next(iter(QUERIES.values()))
    shown = []
    for params in (read_params(workspace.folder / "params.yaml"), indexed(workspace)):
        found = retrievers(workspace, params, corpus)
        searcher = Searcher(
            corpus, found.lexical, {"base": found.dense}, {"base": 0.7}, workspace.folder / "none"
        )
        columns = searcher.columns(text, searcher.names, 3)
        shown.append({c.name: {h.document.doc_id: h.score for h in c.hits} for c in columns})
    here, there = shown
    assert list(there) == ["bm25", "base", "base+bm25"]
    agree(here, there)
    profiles = {str(request["ranking.profile"]) for request in vespa.seen}
    assert "bm25" in profiles
    assert any(profile.startswith("semantic") for profile in profiles)


def test_queries_are_encoded_once_and_in_the_batches_of_the_embedded_engine(
    workspace: Workspace, vespa: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = indexed(workspace)
    corpus = read_corpus(workspace.corpus)
    batches: list[list[str]] = []

    def watched(model: Any, texts: list[str], prefix: str) -> Any:
        batches.append(list(texts))
        return encode(model, texts, prefix)

    monkeypatch.setattr("stages.lib.search.engine.encode", watched)
    monkeypatch.setattr("stages.lib.vespa.search.engine.BLOCK", 3)  # queries go in several rounds
    found = retrievers(workspace, params, corpus)
    for scorer in (found.dense, found.fused(0.7)):
        Embedded(scorer).search(QUERIES, 3)
    assert vespa.seen
    assert batches == [list(QUERIES.values())]


def test_index_lies_beside_what_serves_and_is_pruned(workspace: Workspace, vespa: StandIn) -> None:
    label = packed(workspace)
    check(deploy(workspace))
    indexed(workspace)
    assert live(vespa) == label
    assert len(vespa.container.vectors) == 2
    workspace.set_top(engine="embedded")
    check(deploy(workspace))
    assert len(vespa.container.vectors) == 2
    check(command(workspace, prune_main))
    assert list(vespa.container.vectors) == [field_of(label)]


def test_index_comes_first_and_a_model_takes_its_place(
    workspace: Workspace, vespa: StandIn
) -> None:
    indexed(workspace)
    serving = vespa.container.serving
    assert serving is not None
    assert serving.profiles["default"]["ranking.profile"] == "bm25"
    assert not serving.embedders
    workspace.set_top(engine="embedded")
    label = packed(workspace)
    check(deploy(workspace))
    assert live(vespa) == label


def test_second_index_feeds_nothing(workspace: Workspace, vespa: StandIn) -> None:
    indexed(workspace)
    writes = vespa.requests["write"]
    indexed(workspace)
    assert vespa.requests["write"] == writes == 2 * len(TEXTS)


def test_vectors_that_are_not_made_yet_are_indexed_later(
    workspace: Workspace, vespa: StandIn
) -> None:
    arguments: dict[str, Any] = {"--corpus": workspace.corpus, "--vectors": "vectors"}
    arguments["--templates"] = ROOT / "application-package"
    (workspace.folder / "vectors").rename(workspace.folder / "later")
    result = invoke(index_main, workspace, arguments)
    assert result.exit_code == 1
    assert "vectors: no vectors to index; run dvc repro embed_base" in result.output
    assert not vespa.requests
    (workspace.folder / "later").rename(workspace.folder / "vectors")
    line = [each for key, value in arguments.items() for each in (key, str(value))]
    line[line.index("vectors")] = str(workspace.folder / "vectors")
    line += ["--vectors", "tuned-vectors", "--params", str(workspace.folder / "params.yaml")]
    result = check(CliRunner().invoke(index_main, line))
    assert "tuned-vectors: not there yet; run make index again" in result.output
    assert len(vespa.container.vectors) == 1


@pytest.mark.parametrize("kind", ["semantic", "hybrid", "rrf", "bm25"])
def test_deployed_profiles_answer(workspace: Workspace, vespa: StandIn, kind: str) -> None:
    packed(workspace)
    check(deploy(workspace))
    connection = Connection(vespa.url, vespa.url, None, Credentials())
    profile = Package(workspace.folder / "package").model().profile
    ranking = Ranking(kind, None if kind == "bm25" else profile)  # type: ignore[arg-type]
    run = VespaEngine(connection, ranking).search(QUERIES, 3)
    assert list(run) == list(QUERIES)
    for scores in run.values():
        assert 1 <= len(scores) <= 3
        assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_search_without_an_index_says_so(workspace: Workspace, vespa: StandIn) -> None:
    packed(workspace)
    check(deploy(workspace))
    workspace.set_top(engine="vespa")
    params = read_params(workspace.folder / "params.yaml")
    found = retrievers(workspace, params, read_corpus(workspace.corpus))
    message = re.escape(f"{vespa.url}: the query is refused")
    with pytest.raises(UserError, match=message + ".*, run make index"):
        Embedded(found.dense).search(QUERIES, 3)
