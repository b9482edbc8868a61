"""The page as browsers see it: what it shows, and whom it refuses."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from stages.lib.errors import UserError
from stages.lib.page.web.addresses import GETS, POSTS
from stages.lib.page.web.application import Parts, application
from stages.lib.page.web.security import COOKIE
from stages.lib.params import Params
from stages.operate.page import allowed, bound, named
from tests.page.small import HOSTILE, QUESTION, make_parts

HERE = "http://127.0.0.1:8000"
OWN = {"origin": HERE, "sec-fetch-site": "same-origin"}


def client(parts: Parts, token: str = "") -> TestClient:
    return TestClient(application(parts, GETS, POSTS, token), HERE, follow_redirects=False)


def test_every_address_answers_and_is_guarded(parts: Parts) -> None:
    browser = client(parts)
    parts.desk.add(["prices"])
    for path in (*GETS, "/static/page.css", "/static/page.js"):
        answer = browser.get(path, params={"id": "keys", "q": "a key"})
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r" (style|on\w+)=", answer.text), f"{path}: the policy forbids it"
        assert not re.search(r"(src|href)=\"(https?:)?//", answer.text), f"{path}: works offline"


def test_text_is_escaped(parts: Parts) -> None:
    browser = client(parts)
    query = {"q": f'"{HOSTILE}', "c": "base tuned bm25"}
    for path in ("/search", "/document", "/queries", "/nowhere"):
        answer = browser.get(path, params=query | {"id": "keys", "split": HOSTILE})
        assert HOSTILE not in answer.text, path
    assert "&lt;script&gt;" in browser.get("/document", params={"id": "keys"}).text


def test_a_view_has_a_permanent_address(parts: Parts) -> None:
    browser = client(parts)
    shown = browser.get("/search", params={"q": "recover a document", "c": "base tuned", "k": 3})
    assert re.findall(r"<h2>(\S+)", shown.text) == ["base", "tuned"]
    assert len(re.findall(r"<li[ >]", shown.text)) == 6
    assert shown.text.count("<line ") >= 1
    assert "judged 2" in shown.text, "it is a test query"


@pytest.mark.parametrize(
    "query",
    ["c=base", "c=base+nobody", "k=0", "k=1000", "k=x", "k=%C2%B2", "k=1e3"],
)
def test_bad_input_is_one_line(parts: Parts, query: str) -> None:
    answer = client(parts).get(f"/search?q=key&{query}")
    assert answer.status_code == 400
    assert answer.text.count('class="notice"') == 1
    assert "Traceback" not in answer.text


def test_no_path_of_a_request_reaches_the_file_system(parts: Parts) -> None:
    browser = client(parts)
    for path in ("../params.yaml", "..%2f..%2fparams.yaml", "%2e%2e/application.py", "/etc/passwd"):
        assert browser.get(f"/static/{path}").status_code == 404
    assert browser.get("/document", params={"id": "../../params.yaml"}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://elsewhere"},
        {"origin": "null"},
        {"origin": HERE, "sec-fetch-site": "cross-site"},
        {"origin": HERE, "sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_page_changes_nothing(parts: Parts, headers: dict[str, str]) -> None:
    browser = client(parts)
    for path in POSTS:
        assert browser.post(path, data={"queries": "one"}, headers=headers).status_code == 403
    assert parts.desk.progress().queries == 0


def test_a_foreign_name_of_this_machine_is_refused(parts: Parts) -> None:
    assert client(parts).get("/search", headers={"host": "evil.example:8000"}).status_code == 403
    assert client(parts).get("/search", headers={"host": "localhost:8000"}).status_code == 200


def test_other_machines_need_the_token(parts: Parts) -> None:
    token = "a-long-secret-of-many-letters"  # noqa: S105 - what a visitor enters
    browser = client(parts, token)
    for path in GETS:
        assert browser.get(path).status_code == 401
    assert browser.post("/judge/add", data={"queries": "x"}, headers=OWN).status_code == 401
    assert browser.post("/enter", data={"token": "guess"}, headers=OWN).status_code == 401
    entered = browser.post("/enter", data={"token": token}, headers=OWN)
    assert entered.status_code == 303
    assert "HttpOnly" in entered.headers["set-cookie"]
    assert token not in entered.headers["set-cookie"]
    browser.cookies.set(COOKIE, entered.cookies[COOKIE])
    assert browser.get("/judge").status_code == 200


def test_addresses_and_names_are_checked_before_anything_is_served() -> None:
    assert allowed("127.0.0.1", "") == allowed("::1", "") == allowed("localhost", "") == ""
    with pytest.raises(UserError, match="set EMBEDSMITH_PAGE_TOKEN"):
        allowed("0.0.0.0", "short")  # noqa: S104 - what is refused
    assert named("ann-2") == "ann-2"
    for name in ("../ann", "a/b", "", "queries", ".ann"):
        with pytest.raises(UserError, match="expected letters"):
            named(name)
    taken = bound("127.0.0.1", 0)
    with pytest.raises(UserError, match="choose another port"):
        bound("127.0.0.1", taken.getsockname()[1])
    taken.close()


def test_judging_goes_from_document_to_document(parts: Parts) -> None:
    browser = client(parts)
    assert browser.post("/judge/add", data={"queries": ""}, headers=OWN).status_code == 400
    added = browser.post("/judge/add", data={"queries": "prices\nkeys"}, headers=OWN)
    assert added.headers["location"] == "/judge"
    shown = browser.get("/judge").text
    assert "Document 1 of 6" in shown
    assert not re.search(r"bm25|tuned", shown), "blind"
    form = dict(re.findall(r'name="(query_id|doc_id)" value="([^"]+)"', shown))
    answer = browser.post("/judge/grade", data=form | {"relevance": "3"}, headers=OWN)
    assert answer.status_code == 303
    assert "Document 2 of 6" in browser.get("/judge").text
    bad = browser.post("/judge/grade", data=form | {"relevance": "9"}, headers=OWN)
    assert bad.status_code == 400
    browser.post("/judge/undo", headers=OWN, data={})
    assert "Document 1 of 6" in browser.get("/judge").text


def test_the_llms_grades_stand_beside_peoples(parts: Parts) -> None:
    browser = client(parts)
    browser.post("/judge/add", data={"checks": "1", "most": "5"}, headers=OWN)
    while task := parts.desk.next():
        grade = {"tape": 3, "keys": 2}[task.document.doc_id]
        parts.desk.grade(task.query_id, task.document.doc_id, grade)
    shown = browser.get("/check").text
    assert "On 2 pairs" in shown
    assert "people 2, LLM 0 or 1" in shown
    assert "people 3, LLM 3" not in shown, "they agree"


def test_an_answer_cites_what_it_rests_on(parts: Parts) -> None:
    browser = client(parts)
    shown = browser.post("/ask", data={"q": QUESTION, "k": "2"}, headers=OWN).text
    assert shown.count('A licence costs ten a year. <a class="cite"') == 2
    for number, anchor in re.findall(r'href="#(p[\w-]+-(?:\d+))">\[(\d)\]', shown):
        assert f'id="{number}"' in shown, anchor
    assert "Nobody was shown this" not in shown
    unknown = browser.post("/ask", data={"q": "who knows"}, headers=OWN).text
    assert unknown.count("no answer is recorded for this question") == 2


def test_without_a_language_model_the_page_says_so(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDSMITH_HOME", str(tmp_path / "home"))
    parts = make_parts(tmp_path, params)
    llm = params.llm.model_copy(update={"provider": "extractive"})
    parts.answerer._params = params.model_copy(update={"llm": llm})
    shown = client(parts).post("/ask", data={"q": "key"}, headers=OWN).text
    assert "nobody answers" in shown
    assert "Passages by tuned+bm25" in shown
