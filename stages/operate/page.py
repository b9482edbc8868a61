"""Serves the local page: search, judge, review and ask."""

import getpass
import os
import re
import socket
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Qrels, read_corpus, read_qrels, read_split
from stages.lib.core.files import read_json
from stages.lib.core.generated import read_generated
from stages.lib.errors import UserError
from stages.lib.llm.judging import PLAN, read_plan
from stages.lib.page.asking import Answerer
from stages.lib.page.examples import ExampleDesk
from stages.lib.page.gains import JudgedQueries
from stages.lib.page.judging import Desk
from stages.lib.page.reviewing import ReviewDesk
from stages.lib.page.searching import Searcher
from stages.lib.page.web.addresses import GETS, POSTS
from stages.lib.page.web.application import Parts, application
from stages.lib.page.web.security import is_loopback
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.synthetic.rows import read_families

TOKEN = "EMBEDSMITH_PAGE_TOKEN"  # noqa: S105 - the variable's name
SHORTEST = 16
"""Characters of a token."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--base", help="The base model.")
@path_option("--base-vectors", help="The base model's vectors of the corpus.")
@path_option("--tuned", help="The tuned model.")
@path_option("--tuned-vectors", help="The tuned model's vectors of the corpus.")
@path_option("--fusion", help="JSON file with the weights of the fusions with BM25.")
@path_option("--generated", help="JSONL of generated queries.")
@path_option("--judged", help="What judge_dev left.")
@path_option("--judgements", help="Folder of what people judge.")
@path_option("--reviews", help="Folder of what people decide about queries.")
@path_option("--examples", help="Folder of examples, a file a family; may be empty.")
@path_option("--example-reviews", help="Folder of what people decide about examples.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses of an LLM.")
@click.option("--who", default="", help="Who judges; default: the user's name.")
@click.option("--host", default="127.0.0.1", help="Address; others' machines need a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, help="Port; 0 for any.")
@PARAMS
def main(
    collection: Path,
    base: Path,
    base_vectors: Path,
    tuned: Path,
    tuned_vectors: Path,
    fusion: Path,
    generated: Path,
    judged: Path,
    judgements: Path,
    reviews: Path,
    examples: Path,
    example_reviews: Path,
    prompts: Path,
    store: Path,
    who: str,
    host: str,
    port: int,
    params: Path,
) -> None:
    """Serve the page until it is stopped."""
    settings = read_params(params)
    token = allowed(host, os.environ.get(TOKEN, ""))
    who = named(who or getpass.getuser())
    for needed in (collection / "corpus.jsonl", fusion, generated):
        if not needed.is_file():
            raise UserError(f"{needed}: no such file; run make repro first")
    corpus = read_corpus(collection / "corpus.jsonl")
    models = {
        "base": load_dense(corpus, base, base_vectors, settings),
        "tuned": load_dense(corpus, tuned, tuned_vectors, settings),
    }
    weights = read_json(fusion)
    searcher = Searcher(corpus, load_lexical(corpus, settings), models, weights, base_vectors)
    splits = {name: read_split(collection / name) for name in ("test", "dev")}
    evaluation = [text for split in splits.values() for text in split.queries.values()]
    queries = [*read_generated(generated), *read_generated(collection / "imported.jsonl")]
    plan = read_plan(judged / PLAN, settings.judge_dev, corpus)
    grades: Qrels = read_qrels(judged / "qrels.tsv") if plan else {}
    seed = settings.seed
    by_family = read_families(examples) if any(examples.glob("*.jsonl")) else {}
    parts = Parts(
        searcher,
        JudgedQueries(searcher, splits, seed),
        Desk(judgements, who, searcher, plan.shown if plan else {}, seed),
        ReviewDesk(reviews, who, queries, evaluation, searcher, settings),
        ExampleDesk(example_reviews, who, by_family, seed),
        Answerer(corpus, prompts, store, settings),
        plan,
        grades,
        seed,
    )
    serve(parts, bound(host, port), token)


def allowed(host: str, token: str) -> str:
    """The token that visitors need; "" on the machine's own address.

    Raises:
        UserError: others would reach the page without a token.

    """
    if is_loopback(host):
        return ""
    if len(token) < SHORTEST:
        raise UserError(
            f"--host {host}: others reach this address; set {TOKEN} to {SHORTEST} characters or "
            "more that they have to enter, or serve on 127.0.0.1"
        )
    return token


def named(who: str) -> str:
    """The name of the person's file."""
    if not NAME.fullmatch(who) or who == "queries":
        raise UserError(f"--who {who!r}: expected letters, digits, - and _, such as ann")
    return who


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address and port.

    Raises:
        UserError: it is taken, or not this machine's.

    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen()  # who comes before the page is there waits
    except OSError as error:
        raise UserError(f"{host}:{port}: {error.strerror or error}; choose another port") from error
    return opened


def serve(parts: Parts, opened: socket.socket, token: str) -> None:
    """Serves until the process is stopped."""
    import uvicorn

    host, port = opened.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"The page is at http://{shown}:{port}/ (Ctrl-C ends it)")
    config = uvicorn.Config(
        application(parts, GETS, POSTS, token),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    uvicorn.Server(config).run(sockets=[opened])


if __name__ == "__main__":
    main()
