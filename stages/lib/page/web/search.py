"""Search, the list of judged queries, and a document."""

from itertools import pairwise
from urllib.parse import urlencode

from starlette.responses import Response

from stages.lib.core.text import one_line
from stages.lib.errors import UserError
from stages.lib.page.gains import MOST
from stages.lib.page.searching import moves
from stages.lib.page.web.application import Given, Parts, page
from stages.lib.page.web.forms import choice, number

DEFAULT = ("base+bm25", "tuned+bm25")
LONGEST = 1000
"""Characters of a query."""
PER_PAGE = 50


def search(parts: Parts, given: Given) -> Response:
    """A query's rankings side by side."""
    query, names = one_line(given.get("q", ""))[:LONGEST], shown(parts, given)
    depth = number(given, "k", 10, 1, 50)
    columns = parts.searcher.columns(query, names, depth) if query else []
    links = {name: _toggled(query, names, name, parts, depth) for name in parts.searcher.names}
    return page(
        "search.html",
        "/search",
        query=query,
        columns=columns,
        moves=[moves(left, right) for left, right in pairwise(columns)],
        judgements=parts.judged.judgements(query),
        links=links,
        names=names,
        depth=depth,
    )


def shown(parts: Parts, given: Given) -> list[str]:
    """The systems that a request names, from two to five, in the order of columns."""
    text = given.get("c") or " ".join(DEFAULT)
    wanted = {choice({"c": name}, "c", parts.searcher.names) for name in text.split()}
    if not 2 <= len(wanted) <= 5:
        raise UserError(f"c: expected two to five of {' '.join(parts.searcher.names)}")
    return [name for name in parts.searcher.names if name in wanted]


def _toggled(query: str, names: list[str], name: str, parts: Parts, depth: int) -> str:
    """The address of this view with a column more or less; "" where it has to stay."""
    wanted = [n for n in parts.searcher.names if (n in names) != (n == name)]
    if len(wanted) < 2:
        return ""
    return address(query, wanted, depth)


def address(query: str, names: list[str], depth: int = 10) -> str:
    """The permanent address of a view."""
    return "/search?" + urlencode({"q": query, "c": " ".join(names), "k": depth})


def queries(parts: Parts, given: Given) -> Response:
    """The judged queries from the greatest gain to the greatest loss, or the other way."""
    splits = list(parts.judged.splits)
    if not splits:
        return page("queries.html", "/queries", splits=[], gains=[])
    split = choice(given, "split", splits, splits[0])
    before = choice(given, "a", parts.searcher.names, DEFAULT[0])
    after = choice(given, "b", parts.searcher.names, DEFAULT[1])
    order = choice(given, "order", ("gain", "loss"), "gain")
    start = number(given, "start", 0, 0, 10**6)
    found = parts.judged.gains(split, before, after)
    if order == "loss":
        found.reverse()
    return page(
        "queries.html",
        "/queries",
        splits=splits,
        split=split,
        before=before,
        after=after,
        order=order,
        names=parts.searcher.names,
        gains=[
            (gain, address(gain.text, [n for n in parts.searcher.names if n in (before, after)]))
            if before != after
            else (gain, address(gain.text, list(DEFAULT)))
            for gain in found[start : start + PER_PAGE]
        ],
        better=sum(gain.delta > 0 for gain in found),
        worse=sum(gain.delta < 0 for gain in found),
        total=len(found),
        all=len(parts.judged.splits[split].qrels),
        most=MOST,
        start=start,
        step=PER_PAGE,
        qrels=parts.judged.splits[split].qrels,
        corpus=parts.searcher.corpus,
    )


def document(parts: Parts, given: Given) -> Response:
    """A whole document."""
    doc_id = given.get("id", "")
    if doc_id not in parts.searcher.corpus:
        raise UserError(f"id: the corpus has no document {doc_id[:40]!r}")
    return page("document.html", "", document=parts.searcher.corpus[doc_id])
