"""The journal: safe in several processes, through kills, full disks and from earlier versions."""

import itertools
import multiprocessing
import os
import resource
import stat
import time
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from stages.lib.errors import UserError
from stages.lib.llm.storage.journal import Journal
from stages.lib.llm.storage.store import Store
from tests.llm.storage.test_store import request, response


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


def test_rights_that_others_have_are_taken_from_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    old = tmp_path / "responses.jsonl"
    old.write_bytes(old_line("a", "1"))
    first = Store(tmp_path / "out.jsonl", path)
    first.put(request(), response())
    names = ["journal.db", "journal.db-shm", "journal.db-wal", "responses.jsonl"]
    for name in names:
        (tmp_path / name).chmod(0o664)
    assert Store(tmp_path / "out.jsonl", path).get(request()) == response()
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names}
    assert modes == dict.fromkeys(names, 0o600)


def _open_on_a_full_disk(path: Path) -> None:
    size = path.with_name(f"{path.name}-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    try:
        Journal(path)
    except UserError as error:
        assert "journal.db: cannot be written (" in str(error)
        os._exit(0)
    os._exit(1)


def test_a_full_disk_is_said_when_the_journal_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = Journal(path)
    journal.put("key", b"line")
    # a process of its own: SQLite's locks do not survive a fork
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_open_on_a_full_disk, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert journal.get("key") == b"line"


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
