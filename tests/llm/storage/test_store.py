"""The response store: nothing lost, nothing twice, the same bytes for the same inputs."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stages.lib.llm.messages import Request, Response
from stages.lib.llm.storage.rows import line_of, outcome, parsed
from stages.lib.llm.storage.store import Store
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


def test_line_ends_of_windows_change_nothing(tmp_path: Path) -> None:
    out, journal = tmp_path / "out.jsonl", tmp_path / "journal.db"
    store = Store(out, tmp_path / "elsewhere.db")
    for user in "abc":
        store.put(request(user), response(user))
    store.save()
    before = out.read_bytes()
    out.write_bytes(before.replace(b"\n", b"\r\n"))
    after = Store(out, journal)
    assert [after.get(request(user)) for user in "abc"] == [response(user) for user in "abc"]
    assert after.damaged == 0
    after.save()
    assert out.read_bytes() == before


def test_a_row_that_says_something_else_than_was_stored_is_asked_again(tmp_path: Path) -> None:
    out, journal = tmp_path / "out.jsonl", tmp_path / "journal.db"
    first = Store(out, tmp_path / "elsewhere.db")
    for user in ("whole", "hurt"):
        first.put(request(user), response(f"the text of {user}"))
    first.save()
    row = first.journal.get(request("hurt").key)
    assert row is not None
    # one character of the answer: the line is JSON as before
    out.write_bytes(out.read_bytes().replace(b"text of hurt", b"test of hurt"))
    store = Store(out, journal)
    assert store.get(request("whole")) == response("the text of whole")
    assert store.get(request("hurt")) is None
    assert store.get(request("hurt")) is None
    assert store.damaged == 1
    store.journal.put(request("hurt").key, row.replace(b"text of hurt", b"test of hurt"))
    assert store.get(request("hurt")) is None
    assert len(list(store.rows())) == 1
    store.put(request("hurt"), response("again"))
    store.save()
    assert Store(out, tmp_path / "none").get(request("hurt")) == response("again")


def test_rows_of_earlier_versions_have_no_checksum(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    row = {**request().stamp, "response": {"text": "t", "finish_reason": "stop", "model": "m"}}
    lines = [row, {**row, "key": "0" * 64}]
    out.write_text("".join(json.dumps(each, separators=(",", ":")) + "\n" for each in lines))
    store = Store(out, tmp_path / "journal.db")
    assert store.get(request()) == Response("t", "stop", None, "m", 0, 0)
    assert (store.damaged, len(list(store.rows()))) == (0, 2)


@pytest.mark.parametrize("spaces", [None, 1])
def test_a_row_may_be_written_in_another_order(spaces: int | None) -> None:
    line = line_of({**request().stamp, "response": asdict(response("grüße"))})
    row = json.loads(line)
    turned = json.dumps(dict(reversed(row.items())), indent=spaces).encode()
    assert outcome(parsed(turned)) == outcome(parsed(line)) == response("grüße")
    row["response"]["text"] = "grusse"
    assert parsed(json.dumps(row).encode()) is None


def test_damaged_rows_are_told_and_asked_again(server: Server, llm_project: Project) -> None:
    llm_project.must("rules", "generate")
    calls, queries = server.stats["calls"], llm_project.queries()
    out = llm_project.folder / "llm/generate.jsonl"
    lines = out.read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(b"about", b"abort")
    lines[1] = lines[1][:90] + b"\n"
    out.write_bytes(b"".join(lines))
    (llm_project.folder.parent / "home/responses.db").unlink()
    assert ", 2 damaged rows count as missing" in llm_project.must("generate")
    assert server.stats["calls"] == calls + 2
    assert llm_project.queries() == queries
    assert "damaged" not in llm_project.must("generate")


def test_whose_answers_are_used_is_told(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = server.url.removeprefix("http://").removesuffix("/v1")
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://{here}/v1?api-key=hidden")
    assert "answers are by" not in llm_project.must("rules", "generate")
    calls = server.stats["calls"]
    stored = (llm_project.folder / "llm/generate.jsonl").read_text()
    assert {json.loads(line)["response"]["endpoint"] for line in stored.splitlines()} == {here}
    journal = (llm_project.folder.parent / "home/responses.db").read_bytes()
    for secret in ("hidden", "sk-secret"):
        assert secret not in stored
        assert secret.encode() not in journal
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere:8000/v1?api-key=hidden")
    told = f"; answers are by gpt-4.1-mini of {here} (7), OPENAI_BASE_URL names elsewhere:8000"
    output = llm_project.must("generate")
    assert told in output
    assert "hidden" not in output
    assert server.stats["calls"] == calls, "nothing is paid for again"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert "answers are by" not in llm_project.must("generate"), "nothing is asked"
    assert llm_project.metrics("generate")["models"] == {"gpt-4.1-mini": 7}


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
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    llm_project.must("rules", "generate")
    first = (llm_project.folder / "llm/generate.jsonl").read_bytes()
    calls = server.stats["calls"]
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "another home"))
    llm_project.must("rules", "generate")
    assert server.stats["calls"] == calls, "all of it is in the outputs"
    llm_project.changes["generate.types"] = ["question"]
    llm_project.must("generate")
    assert server.stats["calls"] == calls + 7
    llm_project.changes["generate.types"] = ["keywords", "question"]
    llm_project.must("generate")
    assert server.stats["calls"] == calls + 7, "what the output held went to the journal"
    assert (llm_project.folder / "llm/generate.jsonl").read_bytes() == first


def test_another_provider_neither_answers_from_the_store_nor_empties_it(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    llm_project.must("rules", "generate")
    calls, paid = server.stats["calls"], (llm_project.folder / "queries.jsonl").read_bytes()
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "another home"))
    llm_project.changes["llm.provider"] = "extractive"
    llm_project.must("rules", "generate")
    assert (llm_project.folder / "llm/generate.jsonl").read_bytes() == b""
    assert not llm_project.metrics("generate")["uses_llm"]
    texts = [row["text"] for row in llm_project.queries() if row["type"] == "question"]
    assert texts.count("About backing") == 1
    llm_project.changes["llm.provider"] = "openai"
    llm_project.must("rules", "generate")
    assert server.stats["calls"] == calls
    assert (llm_project.folder / "queries.jsonl").read_bytes() == paid


def test_a_home_that_cannot_be_written(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "file"))
    assert "set EMBEDSMITH_HOME to another folder" in llm_project.refused("rules")
    assert server.stats["calls"] == 0, "nothing is paid for that could not be kept"


def test_a_home_with_a_tilde(
    server: Server, llm_project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    monkeypatch.setenv("EMBEDSMITH_HOME", "~/journal")
    monkeypatch.chdir(tmp_path)
    llm_project.must("rules")
    assert server.stats["calls"] == 1
    assert (tmp_path / "me/journal/responses.db").is_file()
    assert not (tmp_path / "~").exists()
    monkeypatch.setenv("EMBEDSMITH_HOME", "~nobody-of-this-name/journal")
    assert "EMBEDSMITH_HOME: Value error, no such user" in llm_project.refused("rules")
