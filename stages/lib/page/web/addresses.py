"""All addresses of the page."""

from stages.lib.page.web import ask, examples, judge, review, search
from stages.lib.page.web.application import Get, Post

GETS: dict[str, Get] = {
    "/search": search.search,
    "/queries": search.queries,
    "/document": search.document,
    "/judge": judge.judge,
    "/judge/progress": judge.progress,
    "/judge/qrels.tsv": judge.qrels,
    "/check": judge.llm,
    "/review": review.review,
    "/review/queries.csv": review.table,
    "/review/records.json": review.records,
    "/review/examples": examples.review,
    "/ask": ask.form,
}
"""Those that show something."""

POSTS: dict[str, Post] = {
    "/judge/grade": judge.grade,
    "/judge/skip": judge.skip,
    "/judge/undo": judge.undo,
    "/judge/add": judge.add,
    "/review/decide": review.decide,
    "/review/undo": review.undo,
    "/review/take": review.take,
    "/review/examples/decide": examples.decide,
    "/review/examples/undo": examples.undo,
    "/ask": ask.ask,
}
"""Those that change something, or cost money: a page of another site cannot call them."""
