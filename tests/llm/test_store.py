"""The response store: nothing lost, nothing twice, the same bytes for the same inputs."""

import itertools
import json
import multiprocessing
import os
import resource
import stat
import time
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.errors import UserError
from stages.lib.llm.journal import Journal
from stages.lib.llm.messages import Request, Response
from stages.lib.llm.store import Store
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
    first = Store(folder / "out.jsonl", folder / "journal.db")
    for user, text in texts.items():
        first.put(request(user), response(text))
    second = Store(folder / "out.jsonl", folder / "journal.db")
    for user, text in texts.items():
        assert second.get(request(user)) == response(text)
    assert second.get(request("never asked")) is None or "never asked" in texts
    second.save()
    (folder / "journal.db").unlink(missing_ok=True)
    third = Store(folder / "out.jsonl", folder / "journal.db")
    assert all(third.get(request(user)) == response(text) for user, text in texts.items())


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_line_of_an_output_is_asked_again(tmp_path: Path, cut: int) -> None:
    out, journal = tmp_path / "out.jsonl", tmp_path / "journal.db"
    store = Store(out, tmp_path / "elsewhere.db")
    for user in ("whole", "torn"):
        store.put(request(user), response(user))
    store.save()
    whole, torn = sorted(("whole", "torn"), key=lambda user: request(user).key)
    out.write_bytes(out.read_bytes()[:-cut])
    after = Store(out, journal)
    assert after.get(request(whole)) == response(whole)
    assert after.get(request(torn)) is None
    after.put(request(torn), response("again"))
    after.save()
    assert Store(out, journal).get(request(torn)) == response("again")


def _fill_a_disk(journal: Path, users: str) -> None:
    store = Store(journal.with_name("none"), journal)
    store.put(request(users[0]), response("fits"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        for user in users[1:]:
            store.put(request(user), response("x" * 50_000))
    except UserError as error:
        assert "journal.db: cannot be written (" in str(error)
        assert "; make room, or set EMBEDSMITH_HOME" in str(error)
        os._exit(0)
    os._exit(1)


def test_a_full_disk_is_said_and_damages_nothing(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    process = multiprocessing.get_context("fork").Process(
        target=_fill_a_disk, args=(journal, "abcdefgh")
    )
    process.start()
    process.join()
    assert process.exitcode == 0
    store = Store(tmp_path / "none", journal)
    assert store.get(request("a")) == response("fits")
    assert store.get(request("h")) is None
    store.put(request("h"), response("later"))
    assert store.get(request("h")) == response("later")


def _put(journal: Path, name: str, count: int) -> None:
    store = Store(journal.with_name("none"), journal)
    for number in range(count):
        store.put(request(f"{name} {number}"), response(name))
        store.put(request(f"shared {number}"), response(name))


def test_several_processes_make_and_fill_one_journal(tmp_path: Path) -> None:
    journal = tmp_path / "home/journal.db"
    context = multiprocessing.get_context("fork")
    names = "abcdef"
    processes = [context.Process(target=_put, args=(journal, name, 50)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(names)
    store = Store(tmp_path / "none", journal)
    for number in range(50):
        for name in names:
            assert store.get(request(f"{name} {number}")) == response(name)
    assert len(list(store.rows())) == 50 * (len(names) + 1)


def _put_for_ever(journal: Path, told: int) -> None:
    store = Store(journal.with_name("none"), journal)
    for number in itertools.count():
        store.put(request(f"u{number}"), response())
        os.write(told, b".")


@pytest.mark.parametrize("moment", [0.0, 0.011, 0.023, 0.05])
def test_a_kill_at_any_moment_loses_nothing_that_was_put(tmp_path: Path, moment: float) -> None:
    heard, told = os.pipe()
    process = multiprocessing.get_context("fork").Process(
        target=_put_for_ever, args=(tmp_path / "journal.db", told)
    )
    process.start()
    os.close(told)
    put = len(os.read(heard, 1))
    time.sleep(moment)
    process.kill()
    process.join()
    while dots := os.read(heard, 65536):
        put += len(dots)
    os.close(heard)
    store = Store(tmp_path / "none", tmp_path / "journal.db")
    assert put > 0
    assert all(store.get(request(f"u{number}")) == response() for number in range(put))


def test_of_two_answers_to_one_question_both_runs_use_the_first(tmp_path: Path) -> None:
    stores = [Store(tmp_path / f"{name}.jsonl", tmp_path / "journal.db") for name in "ab"]
    assert [store.get(request()) for store in stores] == [None, None]
    answers = [
        store.put(request(), response(text))
        for store, text in zip(stores, ("first", "second"), strict=True)
    ]
    assert answers == [response("first")] * 2
    for store in stores:
        store.save()
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_the_journal_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = Store(tmp_path / "out.jsonl", home / "journal.db")
    store.put(request(), response())
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()}
    assert modes == dict.fromkeys(["journal.db", "journal.db-shm", "journal.db-wal"], 0o600)


def test_a_damaged_journal_is_said_with_the_way_out(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    journal.write_bytes(b"This is no database. " * 500)
    with pytest.raises(UserError, match=f"^{journal}: damaged .*; move it away and run again"):
        Store(tmp_path / "out.jsonl", journal).get(request())
    assert journal.read_bytes().startswith(b"This is no database. "), "left as it was"


def old_line(user: str, text: str, subject: str = "d1") -> bytes:
    row = {**request(user, subject).stamp, "response": asdict(response(text))}
    return orjson.dumps(row) + b"\n"


def test_a_journal_of_earlier_versions_is_taken_over(tmp_path: Path) -> None:
    old, journal = tmp_path / "responses.jsonl", tmp_path / "journal.db"
    lines = [old_line("a", "1"), old_line("b", "first"), b'{"key":"torn', b"\n"]
    lines += [old_line("b", "last"), old_line("c", "3")[:-20]]
    old.write_bytes(b"".join(lines))
    before = old.read_bytes()
    store = Store(tmp_path / "out.jsonl", journal)
    texts = [store.get(request(user)) for user in "abc"]
    assert texts == [response("1"), response("last"), None]
    assert old.read_bytes() == before
    # a checkout of an earlier version goes on with it
    with old.open("ab") as file:
        file.write(b"\n" + old_line("c", "3"))
    later = Store(tmp_path / "out.jsonl", journal)
    assert later.get(request("c")) == response("3")
    old.unlink()
    assert Store(tmp_path / "out.jsonl", journal).get(request("a")) == response("1")


def test_batches_under_way_at_earlier_versions_are_taken_over(tmp_path: Path) -> None:
    stamps = [request().stamp]
    rows = [{"batch": name, "endpoint": "here", "requests": stamps} for name in ("b2", "b1")]
    rows += [{"batch": "b3", "endpoint": "elsewhere", "requests": stamps}]
    rows += [{"batch": "b2", "endpoint": "here", "ended": "completed"}]
    (tmp_path / "batches.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)) + b'\n{"batch"')
    journal = Journal(tmp_path / "journal.db")
    assert journal.open_batches("here") == {"b1": stamps}
    journal.end_batch("b1", "completed")
    assert Journal(tmp_path / "journal.db").open_batches("here") == {}


def test_the_output_is_what_the_run_used_sorted_by_key(tmp_path: Path) -> None:
    out, journal = tmp_path / "out.jsonl", tmp_path / "journal.db"
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
        journal = tmp_path / folder / "journal.db"
        Store(tmp_path / "none", journal).put(request(subject=before), response())
        store = Store(tmp_path / folder / "out.jsonl", journal)
        store.get(request(subject="new"))
        store.save()
    history, clean = ((tmp_path / name / "out.jsonl").read_bytes() for name in ("history", "clean"))
    assert history == clean


def test_what_the_lock_file_names_stays_where_the_journal_has_another_answer(
    tmp_path: Path,
) -> None:
    outs = [tmp_path / f"{name}.jsonl" for name in "ab"]
    for out in outs:
        store = Store(out, out.with_suffix(".db"))
        store.put(request(), response(out.name))
        store.save()
    before = outs[0].read_bytes()
    store = Store(outs[0], outs[1].with_suffix(".db"))
    assert store.get(request()) == response("a.jsonl")
    store.save()
    assert outs[0].read_bytes() == before


def test_an_answer_that_just_came_is_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "out.jsonl", tmp_path / "journal.db")
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
    assert server.stats["calls"] == 0, "nothing is paid for that could not be kept"
