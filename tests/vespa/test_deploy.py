import gc
import json
import os
import shutil
import signal

import pytest
import torch

from stages.lib.core.files import read_jsonl
from stages.operate.prune import main as prune_main
from stages.operate.rollback import main as rollback_main
from tests.vespa.deployments import (
    answers,
    command,
    deploy,
    field_of,
    force,
    live,
    packed,
    receipt,
    stays,
)
from tests.vespa.project import QUERIES, TEXTS, WORDS, Project, check, write_texts
from tests.vespa.standin import StandIn
from tests.vespa.standin.package import manifest


def test_first_deployment_feeds_embeds_and_serves(project: Project, vespa: StandIn) -> None:
    vespa.lag = 2
    label = packed(project)
    check(deploy(project))
    assert live(vespa) == label
    assert {each["doc_id"] for each in vespa.container.documents.values()} == set(TEXTS)
    assert set(answers(vespa)) == set(TEXTS)
    found = receipt(project)
    assert found["documents"] == len(TEXTS)
    assert found["live"] == label
    assert found["parity"]["overlap"] == 1.0
    assert found["parity"]["score_gap"] < 0.02
    assert found["measured"]["semantic"] == found["measured"]["semantic_exact"]


def test_queries_go_by_reference_and_never_into_yql(project: Project, vespa: StandIn) -> None:
    queries = project.folder / "collection" / "dev" / "queries.jsonl"
    nasty = 'restore" or true; select * from doc where "'
    rows = [row | {"text": nasty} for _, row in read_jsonl(queries)]
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    packed(project)
    check(deploy(project))
    asked = [request for request in vespa.seen if request.get("query") == nasty]
    assert asked
    assert not any("restore" in request["yql"] for request in asked)


def test_second_run_feeds_nothing_and_writes_the_same_receipt(
    project: Project, vespa: StandIn
) -> None:
    packed(project)
    check(deploy(project))
    first, writes = receipt(project), vespa.requests["write"]
    check(deploy(project))
    assert receipt(project) == first
    assert vespa.requests["write"] == writes


def test_new_model_takes_over_only_once_it_is_filled(project: Project, vespa: StandIn) -> None:
    vespa.lag = 1
    old = packed(project)
    check(deploy(project))
    seen: list[tuple[str, list[str]]] = []
    vespa.hook = lambda _step: seen.append((live(vespa), answers(vespa)))
    new = packed(project, seed=2)
    check(force(project))
    vespa.hook = lambda _step: None
    assert live(vespa) == new
    labels = [label for label, _ in seen]
    assert labels == sorted(labels, key=[old, new].index)  # one flip, at the end
    assert all(hits for _, hits in seen)
    assert receipt(project)["previous"] == old
    assert vespa.requests["write"] == len(TEXTS)  # texts stayed as they were
    assert vespa.requests["reindex"] == 1  # what is fed is embedded on its way in


def test_rollback_is_one_deployment_and_prune_keeps_the_live_model(
    project: Project, vespa: StandIn
) -> None:
    old = packed(project)
    check(deploy(project))
    new = packed(project, seed=2)
    check(force(project))
    before = vespa.requests["deploy"]
    shutil.rmtree(project.folder / "package")  # all that is needed lies in Vespa
    assert old in check(command(project, rollback_main)).output
    assert live(vespa) == old
    assert vespa.requests["deploy"] == before + 1
    assert manifest(vespa.sessions[-1])["previous"] == new
    check(command(project, prune_main))
    assert live(vespa) == old
    assert list(vespa.container.vectors) == [field_of(old)]
    assert len(vespa.sessions[-1].embedders) == 1
    result = command(project, rollback_main)
    assert result.exit_code == 1
    assert "there is no earlier model to go back to" in result.output


def test_third_model_pushes_out_the_first(project: Project, vespa: StandIn) -> None:
    labels = []
    for seed in (1, 2, 3):
        labels.append(packed(project, seed))
        check(force(project))
    assert sorted(vespa.container.vectors) == sorted(map(field_of, labels[1:]))


def test_frozen_document_tower_needs_no_feed(project: Project, vespa: StandIn) -> None:
    whole, onnx = project.folder / "whole", project.folder / "onnx"
    onnx.rename(whole)
    for side in ("query", "document"):
        shutil.copytree(whole, onnx / side)
    packed(project)
    check(deploy(project))
    writes = vespa.requests["write"]
    settings = onnx / "query" / "fp32" / "embedder.json"
    tuned = json.loads(settings.read_text(encoding="utf-8")) | {"query_prefix": "find "}
    settings.write_text(json.dumps(tuned), encoding="utf-8")
    new = packed(project)
    project.set("encoder", query_prefix="find ")
    check(force(project))
    assert live(vespa) == new
    assert vespa.requests["write"] == writes
    assert vespa.requests["reindex"] == 0
    assert len(vespa.container.vectors) == 1


def deploy_what_ranks_rightly(project: Project, vespa: StandIn) -> None:
    """Deploys a model and judges the dev queries as it ranks."""
    project.set("package", profile="semantic", vectors="fed")
    packed(project)
    check(deploy(project))
    qrels = project.folder / "collection" / "dev" / "qrels.tsv"
    lines = ["query-id\tcorpus-id\tscore"]
    for query_id, text in QUERIES.items():
        hits = vespa.container.search({"query": text})["root"]["children"]
        lines += [
            f"{query_id}\t{hit['fields']['doc_id']}\t{8 - rank}" for rank, hit in enumerate(hits)
        ]
    qrels.write_text("\n".join(lines), encoding="utf-8")


def test_model_that_loses_stays_out_unless_forced(
    project: Project, vespa: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_what_ranks_rightly(project, vespa)
    new = packed(project, seed=2)
    stays(project, vespa, r"nDCG@10 0\.\d+ in Vespa, the live model \w+ has 1\.0000; that loses")
    writes = vespa.requests["write"]
    monkeypatch.setenv("FORCE", "1")
    check(deploy(project))
    assert live(vespa) == new
    assert receipt(project)["forced"] is True
    assert vespa.requests["write"] == writes  # what it was fed stayed


def test_vectors_that_made_room_for_others_are_fed_again(
    project: Project, vespa: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy_what_ranks_rightly(project, vespa)
    refused = packed(project, seed=2)
    stays(project, vespa, "that loses more than")
    packed(project, seed=3)
    vespa.full = True
    stays(project, vespa, "disk or memory is full")
    vespa.full = False
    assert packed(project, seed=2) == refused
    monkeypatch.setenv("FORCE", "1")
    check(deploy(project))
    assert live(vespa) == refused
    assert len(vespa.container.vectors[field_of(refused)]) == len(TEXTS)


def test_ranking_that_disagrees_stays_out(project: Project, vespa: StandIn) -> None:
    packed(project)
    check(deploy(project))
    project.set("deploy", min_overlap=1.0, max_loss=1.0)
    texts = {f"m{n}": ("", " ".join(sorted(WORDS)[n : n + 7])) for n in range(40)}
    write_texts(project, texts)  # more than ten, so that a top ten can disagree
    project.embed()
    project.write_model(seed=2)
    packed(project)
    project.write_model(seed=3)  # what is compared with is not what was packaged
    stays(project, vespa, r"agree on \d+% of the top 10, less than deploy.min_overlap \(100%\)")


def test_closed_gate_stops_before_anything_is_sent(project: Project, vespa: StandIn) -> None:
    packed(project)
    project.judge(passed=False)
    result = deploy(project)
    assert result.exit_code == 1
    assert "export.json: the gate is closed: cosine 0.93 < 0.99; train a better" in result.output
    assert not vespa.requests


def test_approximate_search_is_measured_beside_exact(project: Project, vespa: StandIn) -> None:
    packed(project)
    vespa.container.ann_misses = {"id:embedsmith:doc::a1", "id:embedsmith:doc::a2"}
    check(deploy(project))
    measured = receipt(project)["measured"]
    assert measured["semantic"] < measured["semantic_exact"]


class Killer:
    """Runs deployments in processes of their own, which it kills at a request."""

    def __init__(self, project: Project, vespa: StandIn) -> None:
        self._project = project
        self._vespa = vespa
        self.watched = vespa.container.serving is not None
        self.steps: list[str] = []
        """What the last run asked for, in order."""
        self.silent: list[str] = []
        """Requests at which a user would have got nothing."""

    def run(self, step: str = "", number: int = 0) -> bool:
        """Deploys; kills at the so manieth request of a kind. Whether it came to that."""
        self.steps = []
        vespa = self._vespa
        gc.collect()  # a session's threads do not outlive a fork, and its end would wait for them
        child = os.fork()
        if child == 0:
            torch.set_num_threads(1)  # threads do not outlive a fork
            os._exit(deploy(self._project).exit_code)

        def watch(name: str) -> None:
            self.steps.append(name)
            if self.watched and not answers(vespa):
                self.silent.append(name)
            if name == step and self.steps.count(step) == number:
                os.kill(child, signal.SIGKILL)

        vespa.hook = watch
        _, status = os.waitpid(child, 0)
        vespa.hook = lambda _step: None
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)


@pytest.mark.parametrize("filling", ["vespa", "fed"])
def test_killed_at_any_step_and_started_again_ends_right(
    project: Project, vespa: StandIn, filling: str
) -> None:
    vespa.lag = 1
    project.set("package", vectors=filling)
    project.set("deploy", max_loss=1.0)
    old = packed(project)
    check(deploy(project))
    killer = Killer(project, vespa)
    other = packed(project, seed=3)
    assert not killer.run()  # to see which steps there are
    assert live(vespa) == other
    check(command(project, rollback_main))
    check(command(project, prune_main))
    whole = killer.steps
    filled = {"vespa": {"reindex", "reindexing_status"}, "fed": {"write"}}[filling]
    assert {"content", "deploy", "converge", "search", *filled} <= set(whole)
    new = packed(project, seed=2)
    flip = ("deploy", whole.count("deploy"))
    late = ("search", whole.count("search") * 3 // 4)
    if filling == "vespa":
        points = [*((each, 1) for each in dict.fromkeys(whole)), late, flip]
    else:  # all else is the same as there
        points = [("write", 1), ("write", 5), flip]
    for point in points:
        assert killer.run(*point), point
        if point == flip:  # it may have got through or not; if not, there is no way back to go
            command(project, rollback_main)
        assert live(vespa) == old
        check(command(project, prune_main))  # the next one starts from the old model alone
        vespa.settle()
        assert live(vespa) == old
    for step in ("deploy", "search"):
        assert killer.run(step, 2)  # and now one after the other, without cleaning up
    check(deploy(project))
    assert not killer.silent
    assert live(vespa) == new
    assert manifest(vespa.sessions[-1])["previous"] == old
    assert len(vespa.container.vectors[field_of(new)]) == len(TEXTS)
    assert receipt(project)["live"] == new


def test_first_deployment_that_was_killed_is_started_again(
    project: Project, vespa: StandIn
) -> None:
    label = packed(project)
    killer = Killer(project, vespa)
    for step, number in (("deploy", 1), ("write", 3), ("visit", 1), ("search", 4)):
        assert killer.run(step, number), step
    check(deploy(project))
    assert live(vespa) == label
    assert len(vespa.container.documents) == len(TEXTS)
    assert receipt(project)["live"] == label
