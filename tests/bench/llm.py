"""Figures of the LLM layer: `python -m tests.bench.llm`.

Throughput beside the ideal, the same result under faults and after kills, and what 100,000 stored
responses add. By default against the tests' own scripted endpoint; `--corpus` and `--rules` take
another collection. Times are wall clock, the empty run's subtracted where it says so.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


class Bench:
    """A folder with documents, and runs of `generate` on them."""

    def __init__(self, folder: Path, corpus: list[dict[str, str]], types: list[str]) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
        (folder / "train").mkdir()
        for name in ("queries.jsonl", "qrels.tsv"):
            (folder / "train" / name).touch()
        (folder / "rules.json").write_text(json.dumps({"rules": ["Queries are short."]}))
        params = yaml.safe_load((ROOT / "params.yaml").read_text())
        params["llm"]["provider"] = "openai"
        params["generate"] |= {"types": types, "min_words": 1}
        (folder / "params.yaml").write_text(yaml.safe_dump(params))

    def start(self, concurrency: int) -> "subprocess.Popen[bytes]":
        at = self.folder
        options = {
            "--corpus": at / "corpus.jsonl",
            "--train": at / "train",
            "--rules": at / "rules.json",
            "--prompts": ROOT / "stages/prompts",
            "--store": at / "store.jsonl",
            "--out": at / "queries.jsonl",
            "--metrics": at / "metrics.json",
            "--params": at / "params.yaml",
        }
        command = [sys.executable, "-m", "stages.generate"]
        command += [str(part) for option in options.items() for part in option]
        environment = {
            **os.environ,
            "EMBEDSMITH_HOME": str(at / "home"),
            "EMBEDSMITH_CONCURRENCY": str(concurrency),
        }
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def run(self, concurrency: int = 64) -> float:
        start = time.perf_counter()
        if self.start(concurrency).wait():
            raise SystemExit("generate failed")
        return time.perf_counter() - start

    def queries(self) -> bytes:
        return (self.folder / "queries.jsonl").read_bytes()


def serve(latency: float, fault_rate: float, command: list[str]) -> "subprocess.Popen[str]":
    """Starts an endpoint and points the environment to it."""
    options = ["--port", "18731", "--latency", str(latency), "--fault-rate", str(fault_rate)]
    process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    os.environ |= {"OPENAI_BASE_URL": "http://127.0.0.1:18731/v1", "OPENAI_API_KEY": "x"}
    return process


def stats() -> dict[str, int]:
    with urllib.request.urlopen("http://127.0.0.1:18731/stats") as answer:
        found: dict[str, int] = json.load(answer)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="corpus.jsonl whose first documents to take")
    parser.add_argument("--types", default="keywords,question,claim")
    parser.add_argument("--server", default=f"{sys.executable} -m tests.llm.server")
    args = parser.parse_args()
    command, types = args.server.split(), args.types.split(",")
    if args.corpus:
        corpus = [json.loads(line) for line in args.corpus.open()][:1000]
    else:
        corpus = [
            {"_id": f"d{n}", "title": f"Title {n}", "text": f"text number {n} " * 60}
            for n in range(1000)
        ]
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), corpus, types, command)


def measure(
    folder: Path, corpus: list[dict[str, str]], types: list[str], command: list[str]
) -> None:
    """Prints all figures."""
    server = serve(0.2, 0.0, command)
    plain = Bench(folder / "plain", corpus, types)
    first, again = plain.run(), plain.run()
    ideal = len(corpus) / 64 * 0.2
    print(
        f"{len(corpus)} calls of 0.2 s, 64 at a time: {first - again:.2f} s beyond a run that has "
        f"all of them ({again:.2f} s), {(first - again) / ideal:.2f} times the ideal {ideal:.2f} s",
        flush=True,
    )
    killed, before = Bench(folder / "killed", corpus, types), stats()["calls"]
    chance = random.Random(0)
    for _ in range(10):
        process = killed.start(64)
        time.sleep(again * 0.7 + chance.random() * 0.9)
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed.run()
    extra = stats()["calls"] - before - len(corpus)
    same = killed.queries() == plain.queries()
    print(f"killed 10 times: {extra} calls more than needed, same result: {same}", flush=True)
    server.kill()
    server.wait()
    server = serve(0.0, 0.3, command)
    faulty = Bench(folder / "faulty", corpus, types)
    faulty.run()
    same = faulty.queries() == plain.queries()
    faults = stats()
    print(f"fault rate 0.3: {faults['faults']} faults, same result: {same}", flush=True)
    server.kill()
    server.wait()
    many = Bench(folder / "many", corpus, types)
    (many.folder / "home").mkdir()
    lines = (plain.folder / "home/responses.jsonl").read_bytes().splitlines(keepends=True)
    with (many.folder / "home/responses.jsonl").open("wb") as journal:
        for number in range(100_000 - len(lines)):
            line = lines[number % len(lines)]
            journal.write(line[:8] + f"{number:064x}".encode() + line[72:])
        journal.writelines(lines)
    loaded = min(many.run() for _ in range(3))
    alone = min(plain.run() for _ in range(3))
    print(f"100,000 stored responses add {loaded - alone:.2f} s to {alone:.2f} s", flush=True)


if __name__ == "__main__":
    main()
