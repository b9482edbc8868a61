"""The response store: nothing lost, nothing twice, the same bytes for the same inputs."""

import json
import multiprocessing
import os
import resource
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.errors import UserError
from stages.lib.llm.messages import Request, Response
from stages.lib.llm.store import Store, append
from tests.llm.conftest import Project
from tests.llm.server import Server

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


def request(user: str = "u", subject: str = "d1", **changes: object) -> Request:
    values: dict[str, object] = {
        "schema": "synthetic_queries",
        "subject": subject,
        "system": "s",
        "user": user,
        "json_schema": {"type": "object"},
        "model": "m",
        "temperature": 0.7,
        "max_tokens": 10,
    }
    return Request(**(values | changes))  # type: ignore[arg-type]


def response(text: str = "t") -> Response:
    return Response(text, "stop", None, "m", 3, 4)


@pytest.mark.parametrize(
    "changes",
    [
        {"system": "other"},
        {"user": "other"},
        {"schema": "other"},
        {"json_schema": {}},
        {"model": "other"},
        {"temperature": None},
        {"max_tokens": 11},
        {"attempt": 1},
    ],
)
def test_the_key_is_of_the_whole_request(changes: dict[str, object]) -> None:
    assert request(**changes).key != request().key  # type: ignore[arg-type]


def test_the_key_is_not_of_the_subject() -> None:
    assert request(subject="renamed").key == request().key


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.dictionaries(TEXT, TEXT, max_size=6))
def test_what_was_put_is_got_back_by_another_process(
    tmp_path_factory: pytest.TempPathFactory, texts: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    first = Store(folder / "out.jsonl", folder / "journal.jsonl")
    for user, text in texts.items():
        first.put(request(user), response(text))
    second = Store(folder / "out.jsonl", folder / "journal.jsonl")
    for user, text in texts.items():
        assert second.get(request(user)) == response(text)
    assert second.get(request("never asked")) is None or "never asked" in texts
    second.save()
    (folder / "journal.jsonl").unlink(missing_ok=True)
    third = Store(folder / "out.jsonl", folder / "journal.jsonl")
    assert all(third.get(request(user)) == response(text) for user, text in texts.items())


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_torn_by_a_kill_is_skipped_and_swallows_nothing(tmp_path: Path, cut: int) -> None:
    journal = tmp_path / "journal.jsonl"
    store = Store(tmp_path / "out.jsonl", journal)
    store.put(request("whole"), response("1"))
    store.put(request("torn"), response("2"))
    journal.write_bytes(journal.read_bytes()[:-cut])
    after = Store(tmp_path / "out.jsonl", journal)
    assert after.get(request("whole")) == response("1")
    assert after.get(request("torn")) is None
    after.put(request("next"), response("3"))
    last = Store(tmp_path / "out.jsonl", journal)
    assert last.get(request("next")) == response("3")
    assert last.get(request("whole")) == response("1")


def _append_to_a_full_disk(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
    try:
        append(path, b"x" * 100 + b"\n")
    except UserError as error:
        assert "cannot be written (No space left on device); make room" in str(error)
        os._exit(0)
    os._exit(1)


def test_a_line_of_which_the_disk_takes_a_part_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    process = multiprocessing.get_context("fork").Process(
        target=_append_to_a_full_disk, args=(path,)
    )
    process.start()
    process.join()
    assert path.stat().st_size == 50
    assert process.exitcode == 0


def _append(path: Path, name: str) -> None:
    for number in range(200):
        append(path, json.dumps({"name": name, "number": number}).encode() + b"\n")


def test_two_processes_append_to_one_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_append, args=(path, name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted((row["name"], row["number"]) for row in rows) == [
        (name, number) for name in "ab" for number in range(200)
    ]


def test_the_output_is_what_the_run_used_sorted_by_key(tmp_path: Path) -> None:
    out, journal = tmp_path / "out.jsonl", tmp_path / "journal.jsonl"
    store = Store(out, journal)
    for user in "abcdef":
        store.put(request(user), response(user))
    again = Store(out, journal)
    for user in "dbf":
        again.get(request(user))
    again.save()
    keys = [json.loads(line)["key"] for line in out.read_text().splitlines()]
    assert keys == sorted(request(user).key for user in "dbf")


def test_a_renamed_document_leaves_the_bytes_as_a_clean_run_has_them(tmp_path: Path) -> None:
    for folder, before in (("history", "old"), ("clean", "new")):
        journal = tmp_path / folder / "journal.jsonl"
        Store(tmp_path / "none", journal).put(request(subject=before), response())
        store = Store(tmp_path / folder / "out.jsonl", journal)
        store.get(request(subject="new"))
        store.save()
    history, clean = ((tmp_path / name / "out.jsonl").read_bytes() for name in ("history", "clean"))
    assert history == clean


def test_what_the_lock_file_names_stays_where_the_journal_has_another_answer(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out.jsonl"
    for name in "ab":
        store = Store(tmp_path / "none", tmp_path / name)
        store.put(request(), response(name))
    shutil.copy(tmp_path / "a", out)
    store = Store(out, tmp_path / "b")
    assert store.get(request()) == response("a")
    store.save()
    assert out.read_bytes() == (tmp_path / "a").read_bytes()


def test_an_answer_that_just_came_is_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.jsonl")
    for user in "abc":
        store.put(request(user), response(user))
        assert store.get(request(user)) == response(user)
    assert store.get(request("a")) == response("a")


def test_a_second_clone_lives_on_what_was_pulled_and_loses_none_of_it(
    server: Server, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.must("rules", "generate")
    first = (project.folder / "llm/generate.jsonl").read_bytes()
    calls = server.stats["calls"]
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "another home"))
    project.must("rules", "generate")
    assert server.stats["calls"] == calls, "all of it is in the outputs"
    project.changes["generate.types"] = ["question"]
    project.must("generate")
    assert server.stats["calls"] == calls + 7
    project.changes["generate.types"] = ["keywords", "question"]
    project.must("generate")
    assert server.stats["calls"] == calls + 7, "what the output held went to the journal"
    assert (project.folder / "llm/generate.jsonl").read_bytes() == first


def test_another_provider_neither_answers_from_the_store_nor_empties_it(
    server: Server, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.must("rules", "generate")
    calls, paid = server.stats["calls"], (project.folder / "queries.jsonl").read_bytes()
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "another home"))
    project.changes["llm.provider"] = "extractive"
    project.must("rules", "generate")
    assert (project.folder / "llm/generate.jsonl").read_bytes() == b""
    assert not project.metrics("generate")["uses_llm"]
    texts = [row["text"] for row in project.queries() if row["type"] == "question"]
    assert texts.count("About backing") == 1
    project.changes["llm.provider"] = "openai"
    project.must("rules", "generate")
    assert server.stats["calls"] == calls
    assert (project.folder / "queries.jsonl").read_bytes() == paid


def test_a_home_that_cannot_be_written(
    server: Server, project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "file"))
    assert "set EMBEDSMITH_HOME to another folder" in project.refused("rules")
    assert server.stats["calls"] == 1
