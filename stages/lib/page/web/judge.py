"""Judging, and the language model's judging beside it."""

from starlette.responses import PlainTextResponse, Response

from stages.lib.errors import UserError
from stages.lib.page.checking import GRADES, LLM, check
from stages.lib.page.importing import drawn, parse
from stages.lib.page.judging import agreements
from stages.lib.page.needed import outlook
from stages.lib.page.web.application import Given, Parts, page
from stages.lib.page.web.forms import number
from stages.lib.page.web.search import DEFAULT

MEANINGS = (
    "about something else",
    "on the matter, does not answer",
    "answers the main part",
    "answers fully and directly",
)
SHOWN = 20


def judge(parts: Parts, _given: Given) -> Response:
    """The next document to grade."""
    desk = parts.desk
    task = desk.next()
    return page(
        "judge.html",
        "/judge",
        task=task,
        progress=desk.progress(),
        meanings=MEANINGS,
        checks=len(parts.plan.queries) if parts.plan else 0,
        can_undo=bool(desk.judge.acts),
    )


def progress(parts: Parts, _given: Given) -> Response:
    """What the judgements say so far."""
    people = parts.desk.people
    return page(
        "progress.html",
        "/judge",
        progress=parts.desk.progress(),
        judges={
            name: sum(map(judge.finished, people.queries)) for name, judge in people.judges.items()
        },
        agreements=agreements(people),
        outlook=outlook(people, parts.searcher, *DEFAULT, parts.seed),
    )


def grade(parts: Parts, given: Given) -> str:
    """Grades a document."""
    relevance = number(given, "relevance", -1, 0, 3)
    parts.desk.grade(given.get("query_id", ""), given.get("doc_id", ""), relevance)
    return "/judge"


def skip(parts: Parts, given: Given) -> str:
    """Leaves a query out."""
    parts.desk.skip(given.get("query_id", ""))
    return "/judge"


def undo(parts: Parts, _given: Given) -> str:
    """Takes the last act back."""
    parts.desk.undo()
    return "/judge"


def add(parts: Parts, given: Given) -> str:
    """Takes queries that were pasted, or those that the language model judged."""
    most = number(given, "most", 100, 1, 10_000)
    if given.get("checks"):
        if not parts.plan:
            raise UserError("the language model judged nothing (data/judged)")
        parts.desk.add_checks(parts.plan.queries, most)
        return "/judge"
    found = parse(given.get("queries", ""))
    if not found:
        raise UserError("no query found; paste one a line, or a table with a column query")
    parts.desk.add(drawn(found, most, parts.seed))
    return "/judge"


def qrels(parts: Parts, _given: Given) -> Response:
    """The finished judgements in BEIR's form."""
    people = parts.desk.people
    lines = ["query-id\tcorpus-id\tscore"]
    for name, row in sorted(people.qrels().items()):
        if name not in people.checks:
            lines += [f"{name}\t{doc_id}\t{grade}" for doc_id, grade in sorted(row.items())]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/tab-separated-values")


def llm(parts: Parts, _given: Given) -> Response:
    """The language model's grades beside people's."""
    people, plan = parts.desk.people, parts.plan
    grades = {
        name: row for judge in people.judges.values() for name, row in judge.grades.items() if row
    }
    asked = plan.shown if plan else {}
    return page(
        "check.html",
        "/check",
        check=check(grades, parts.llm_grades, asked),
        columns=LLM,
        rows=GRADES,
        queries=plan.queries if plan else {},
        corpus=parts.searcher.corpus,
        shown=SHOWN,
    )
