"""Figures of the LLM layer: `python -m tests.bench.llm`.

Throughput beside the ideal, the same result under faults and after kills, and what 100,000 stored
responses add. By default against the tests' own scripted endpoint; `--server` and `--corpus` take
another. Times are wall clock, the best of some rounds.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click
import orjson
import yaml

from stages.lib.core.collection import read_corpus
from stages.lib.llm.environment import Environment
from stages.lib.llm.messages import Request, Response
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.session import ask
from stages.lib.llm.storage.journal import Journal
from stages.lib.llm.storage.store import Store
from stages.lib.llm.synthesis import sources
from stages.lib.params import read_params
from tests.imports import ROOT

PORT, LATENCY, CONCURRENCY = 18731, 0.2, 64
RULES = ["Queries are short."]
STORED = 100_000

Rows = list[dict[str, str]]


class Bench:
    """A folder with documents, and runs of `generate` on them."""

    def __init__(self, folder: Path, corpus: Rows, types: list[str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
        (folder / "train").mkdir()
        for name in ("queries.jsonl", "qrels.tsv"):
            (folder / "train" / name).touch()
        (folder / "rules.json").write_text(json.dumps({"rules": RULES}))
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["llm"]["provider"] = "openai"
        params["generate"] |= {"types": types, "min_words": 1}
        (folder / "params.yaml").write_text(yaml.safe_dump(params))

    def start(self) -> "subprocess.Popen[bytes]":
        at = self.folder
        options = {
            "--corpus": at / "corpus.jsonl",
            "--train": at / "train",
            "--rules": at / "rules.json",
            "--prompts": ROOT / "stages/prompts",
            "--store": at / "store.jsonl",
            "--out": at / "queries.jsonl",
            "--answers": at / "answers.jsonl",
            "--metrics": at / "metrics.json",
            "--params": at / "params.yaml",
        }
        command = [sys.executable, "-m", "stages.generate"]
        command += [str(part) for option in options.items() for part in option]
        environment = {
            **os.environ,
            "EMBEDSMITH_HOME": str(at / "home"),
            "EMBEDSMITH_CONCURRENCY": str(CONCURRENCY),
        }
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def run(self) -> float:
        """Seconds of a whole run."""
        start = time.perf_counter()
        if self.start().wait():
            raise SystemExit("generate failed")
        return time.perf_counter() - start

    def queries(self) -> bytes:
        return (self.folder / "queries.jsonl").read_bytes()


class Served:
    """An endpoint that the environment points to, while the block lasts."""

    def __init__(self, command: str, latency: float, fault_rate: float) -> None:
        options = ["--port", PORT, "--latency", latency, "--fault-rate", fault_rate]
        self._command = [*command.split(), *map(str, options)]

    def __enter__(self) -> "Served":
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE)
        assert self._process.stdout
        self._process.stdout.readline()
        os.environ |= {"OPENAI_BASE_URL": f"http://127.0.0.1:{PORT}/v1", "OPENAI_API_KEY": "x"}
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/stats") as answer:
            found: dict[str, int] = json.load(answer)
        return found


def throughput(folder: Path, corpus: Rows, types: list[str], rounds: int) -> Bench:
    """Prints the time of all calls beside the ideal; a bench that has all of them."""
    ideal = len(corpus) / CONCURRENCY * LATENCY
    best = []
    for number in range(rounds):
        one = Bench(folder / f"one {number}", corpus[:1], types).run()
        plain = Bench(folder / f"plain {number}", corpus, types)
        best.append((plain.run() - one, one))
    taken, one = min(best)
    print(
        f"{len(corpus)} calls of {LATENCY} s, {CONCURRENCY} at a time: {taken:.2f} s beyond a run "
        f"of one call ({one:.2f} s), {taken / ideal:.2f} times the ideal {ideal:.2f} s",
        flush=True,
    )
    return plain


def kills(bench: Bench, plain: Bench, calls: int, server: Served) -> None:
    """Kills a run ten times at random moments of its calls, and lets it end."""
    before, chance = server.stats()["calls"], random.Random(0)
    lost = []
    for _ in range(10):
        process = bench.start()
        seen = server.stats()["calls"]
        while server.stats()["calls"] == seen and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.6)
        process.send_signal(signal.SIGKILL)
        process.wait()
        lost.append(server.stats()["calls"] - before)
    bench.run()
    extra = server.stats()["calls"] - before - calls
    print(
        f"killed after {', '.join(map(str, lost))} calls: {extra} calls more than the {calls} "
        f"needed (at most {CONCURRENCY} a kill were under way), same result: "
        f"{bench.queries() == plain.queries()}",
        flush=True,
    )


def stored(folder: Path, types: list[str]) -> None:
    """Prints what answers add that are all stored, a document each."""
    chance = random.Random(0)
    words = [f"{chance.randrange(16**3, 16**6):x}" for _ in range(30_000)]
    bench = Bench(
        folder,
        [
            {"_id": f"d{n:06}", "title": f"No. {n}", "text": " ".join(chance.choices(words, k=50))}
            for n in range(STORED)
        ],
        types,
    )
    params = read_params(folder / "params.yaml")
    corpus = read_corpus(folder / "corpus.jsonl")
    chosen = sources(corpus, params.generate, params.seed)
    writer = Prompts(ROOT / "stages/prompts", params.llm, params.seed)
    os.environ["EMBEDSMITH_HOME"] = str(folder / "home")
    lines = []
    documents = (corpus[doc_id] for doc_id in chosen)
    for question in writer.queries(documents, RULES, [], params.generate):
        text = corpus[question.request.subject].text.split()
        rows = [
            {"type": kind, "text": " ".join(text[place * 8 : place * 8 + 8])}
            for place, kind in enumerate(types)
        ]
        answer = Response(json.dumps({"queries": rows}), "stop", None, "m", 400, 60)
        row = {**question.request.stamp, "response": asdict(answer)}
        lines.append((question.request.key, orjson.dumps(row)))
    Journal(Environment.read().journal).put_all(lines)
    first, again = bench.run(), min(bench.run() for _ in range(3))
    asking = []
    for _ in range(3):
        documents = (corpus[doc_id] for doc_id in chosen)
        questions = writer.queries(documents, RULES, [], params.generate)
        start = time.perf_counter()
        ask(questions, len(chosen), corpus, params, folder / "store.jsonl", "stored")
        asking.append(time.perf_counter() - start)
    print(
        f"{STORED:,} stored responses, all used: {min(asking):.2f} s for prompts, keys, answers, "
        f"and the store, of a run of {again:.2f} s ({first:.2f} s from the journal alone)",
        flush=True,
    )


def operations(folder: Path) -> None:
    """Prints what the store's operations cost, with responses of a usual size."""
    folder.mkdir()
    os.environ["EMBEDSMITH_HOME"] = str(folder / "home")
    requests = [
        Request("synthetic_queries", f"d{n:06}", "s", f"user {n}", {}, "m", 0.7, 10)
        for n in range(STORED)
    ]
    response = Response('{"queries": [' + "x" * 500 + "]}", "stop", None, "m", 400, 60)
    keys = {request.key for request in requests}  # computed here, since it belongs to the asking
    assert len(keys) == STORED
    output, journal = folder / "store.jsonl", Environment.read().journal

    def timed(what: str, work: Callable[[Store], None]) -> None:
        start = time.perf_counter()
        store = Store(output, journal)
        store.get(requests[0])
        opened = time.perf_counter()
        work(store)
        print(
            f"{what}: {opened - start:.2f} s to open, {time.perf_counter() - opened:.2f} s for "
            f"{STORED:,}",
            flush=True,
        )

    def get(store: Store) -> None:
        for request in requests:
            store.get(request)

    def put(store: Store) -> None:
        for request in requests:
            store.put(request, response)

    def use(store: Store) -> None:
        get(store)
        store.save()

    timed("put", put)
    timed("get from the journal", get)
    timed("get and save", use)
    timed("get from the output", get)


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path), help="Documents that it can answer.")
@click.option("--types", default="keywords,question,claim", show_default=True)
@click.option("--server", default=f"{sys.executable} -m tests.llm.server", show_default=True)
@click.option("--rounds", default=3, show_default=True, help="Of the throughput.")
def main(corpus: Path | None, types: str, server: str, rounds: int) -> None:
    """Print all figures."""
    if corpus:
        rows = [json.loads(line) for line in corpus.open()]
    else:
        rows = [
            {"_id": f"d{n}", "title": f"Title {n}", "text": f"text number {n} " * 60}
            for n in range(1000)
        ]
    kinds = types.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Served(server, LATENCY, 0.0) as endpoint:
            plain = throughput(folder, rows, kinds, rounds)
            kills(Bench(folder / "killed", rows, kinds), plain, len(rows), endpoint)
        with Served(server, 0.0, 0.3) as endpoint:
            faulty = Bench(folder / "faulty", rows, kinds)
            faulty.run()
            same = faulty.queries() == plain.queries()
            faults = endpoint.stats()["faults"]
            print(f"fault rate 0.3: {faults} faults, same result: {same}", flush=True)
        stored(folder / "stored", kinds)
        operations(folder / "operations")


if __name__ == "__main__":
    main()
