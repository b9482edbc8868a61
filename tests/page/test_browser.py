"""A person at the page, in a real browser; skipped where there is none."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages.lib.people.judgements import read_people
from stages.lib.people.reviews import read_decisions
from tests.imports import ROOT
from tests.llm.server import Server as Endpoint
from tests.page.small import QUESTION
from tests.serving import serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
playwright = pytest.importorskip(
    "playwright.sync_api", reason="Not checked: the page in a browser; pip install playwright"
)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="Not checked: the page in a browser; apt-get install chromium"
)


class Server:
    """The page in a process of its own, which can be killed and started again."""

    def __init__(self, folder: Path, provider: str = "recorded") -> None:
        self._folder = folder
        self._provider = provider
        self._port = "0"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.page.serving", str(self._folder), self._port]
        command.append(self._provider)
        environment = os.environ | {"EMBEDSMITH_HOME": str(self._folder / "home")}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.address = self._process.stdout.readline().split()[4].rstrip("/")
        self._port = self.address.rpartition(":")[2]

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("page"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab in which no script fails and nothing is refused by the page's own policy."""
    tab = browser.new_page(viewport={"width": 1200, "height": 900})
    told: list[str] = []
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    yield tab
    tab.close()
    assert not told


def press(tab: Any, key: str) -> None:
    """Presses a key and waits for the page that it leads to."""
    with tab.expect_navigation():
        tab.keyboard.press(key)


def test_searching_by_keys(server: Server, tab: Any) -> None:
    tab.goto(f"{server.address}/search")
    tab.keyboard.press("Escape")
    tab.keyboard.press("/")
    tab.keyboard.type("recover a document")
    press(tab, "Enter")
    assert tab.locator(".rankings section h2").all_inner_texts()[0].startswith("base+bm25")
    for key in "23":  # base and tuned beside them
        tab.keyboard.press("Escape")
        tab.locator("body").click(position={"x": 1, "y": 890})
        press(tab, key)
    assert tab.locator(".rankings section").count() == 4
    assert tab.locator(".rankings svg line").count() >= 6
    # a line begins beside the document that it is about
    card = tab.locator(".rankings section").first.locator("li").nth(1).bounding_box()
    line = tab.locator(".rankings svg").first.locator("line").nth(1).bounding_box()
    middle = card["y"] + card["height"] / 2
    assert line["y"] - 3 <= middle <= line["y"] + line["height"] + 3
    view = tab.url
    shown = tab.locator("main").inner_text()
    tab.goto(f"{server.address}/judge")
    tab.goto(view)
    assert tab.locator("main h2").all_inner_texts()
    assert "recover a document" in tab.locator("input[name=q]").input_value()
    assert shown.count("judged 2") == tab.locator("main").inner_text().count("judged 2") > 0


def test_judging_ten_documents_over_a_killed_server(server: Server, tab: Any) -> None:
    tab.goto(f"{server.address}/judge")
    tab.fill("textarea[name=queries]", "restore file\nprices\ntape drive")
    with tab.expect_navigation():
        tab.click("form.add button")
    seen = []
    for number in range(10):
        seen.append((tab.inner_text("#query"), tab.inner_text(".document h2")))
        press(tab, str(number % 4))
        if number == 4:
            waiting = tab.inner_text("#query"), tab.inner_text(".document h2")
            server.kill()
            server.start()
            tab.reload()
            assert (tab.inner_text("#query"), tab.inner_text(".document h2")) == waiting
    assert len(set(seen)) == 10
    press(tab, "u")
    assert (tab.inner_text("#query"), tab.inner_text(".document h2")) == seen[-1]
    press(tab, "2")
    press(tab, "s")
    people = read_people(server._folder / "judgements")
    grades = [grade for row in people.judges["ann"].grades.values() for grade in row.values()]
    assert grades == [0, 1, 2, 3, 0, 1, 2, 3, 0, 2], "the last one was taken back, and is 2"
    assert len(people.judges["ann"].skipped) == 1


def test_reviewing_five_queries(server: Server, tab: Any) -> None:
    tab.goto(f"{server.address}/review")
    press(tab, "k")
    press(tab, "d")
    tab.keyboard.press("e")
    tab.keyboard.type("where are the tapes")
    press(tab, "Control+Enter")
    tab.fill("input[name=doc_id]", "price")
    tab.locator(".document").click()
    press(tab, "w")
    press(tab, "k")
    assert "All are reviewed" in tab.inner_text("main")
    found = read_decisions(server._folder / "reviews")
    decisions = sorted(each.decision for each in found.values())
    assert decisions == ["drop", "edit", "keep", "keep", "wrong_document"]
    assert "where are the tapes" in {each.text for each in found.values()}
    assert "price" in {each.doc_id for each in found.values()}


def test_asking(server: Server, tab: Any) -> None:
    tab.goto(f"{server.address}/ask")
    tab.fill("input[name=q]", QUESTION)
    with tab.expect_navigation():
        tab.click("button")
    assert tab.locator(".answer .cite").count() == 2
    tab.locator(".answer .cite").first.click()
    passage = tab.locator(tab.locator(".answer .cite").first.get_attribute("href"))
    assert passage.locator(".text").is_visible()
    assert "A licence costs ten a year" in passage.inner_text()


def test_an_answer_is_read_while_it_comes_in(
    tab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Endpoint(), monkeypatch, tmp_path / "home") as endpoint:
        endpoint.latency = 0.3
        server = Server(tmp_path, "openai")
        try:
            tab.goto(f"{server.address}/ask")
            tab.fill("input[name=q]", "what does a licence cost")
            tab.click("button", no_wait_after=True)
            # the page's policy forbids a script of the test's own to look
            tab.locator(".at-1 .live", has_text="licence").wait_for()
            assert tab.locator(".whole").count() == 0, "the answer is not whole yet"
            endpoint.latency = 0.0
            tab.locator(".at-2 .whole").wait_for()
            assert not tab.locator(".at-1 .live").is_visible(), "the checked answer replaces it"
            assert tab.locator(".at-1 .cite").count() == 1
            assert "spent" in tab.inner_text(".answer.at-1")
        finally:
            server.kill()


@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_screen(server: Server, tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 800})
    for path in ("/search?q=restore", "/queries", "/judge", "/review", "/ask", "/check"):
        tab.goto(server.address + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, path
