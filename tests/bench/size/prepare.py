"""Time and peak memory of `prepare` on generated documents of 50 words, by their number.

After each run another process reads the corpus as the later stages do, each document once.

python -m tests.bench.size.prepare --tokenizer models/base/tokenizer.json 100000 1000000
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import yaml

WORDS = 30_000
READ = """import sys; from pathlib import Path; from stages.lib.core.collection import read_corpus
sum(len(document.contents) for document in read_corpus(Path(sys.argv[1])).values())"""
PARAMS = Path(__file__).parents[3] / "params.yaml"


def write_collection(folder: Path, documents: int) -> None:
    """A BEIR folder of documents of 50 words by Zipf's law, in no order, and 1,000 test queries."""
    random = np.random.default_rng(7)
    vocabulary = np.array([f"{word:x}" for word in random.integers(16**3, 16**6, WORDS)])
    rows = np.minimum(random.zipf(1.3, (1_000, 50)), WORDS) - 1
    order = random.permutation(documents)
    (folder / "qrels").mkdir(parents=True)
    with (folder / "corpus.jsonl").open("w") as file:
        for place, number in enumerate(order):
            if place % 1_000 == 0:
                rows = np.minimum(random.zipf(1.3, (1_000, 50)), WORDS) - 1
            text = " ".join(vocabulary[rows[place % 1_000]])
            file.write(json.dumps({"_id": f"doc-{number:09d}", "title": "", "text": text}) + "\n")
    with (
        (folder / "queries.jsonl").open("w") as queries,
        (folder / "qrels/test.tsv").open("w") as qrels,
    ):
        for number in range(1_000):
            queries.write(json.dumps({"_id": f"q{number}", "text": f"query {number}"}) + "\n")
            qrels.write(f"q{number}\tdoc-{number:09d}\t1\n")


@click.command()
@click.option("--tokenizer", type=click.Path(path_type=Path), required=True)
@click.argument("sizes", type=int, nargs=-1, required=True)
def main(tokenizer: Path, sizes: tuple[int, ...]) -> None:
    """Print time and memory by the number of documents."""
    for documents in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_collection(folder / "beir", documents)
            params = yaml.safe_load(PARAMS.read_text())
            params["prepare"] |= {"source": "beir", "path": str(folder / "beir")}
            (folder / "params.yaml").write_text(yaml.safe_dump(params))
            command = ["-m", "stages.prepare", "--tokenizer", str(tokenizer)]
            command += ["--judgements", str(folder / "none")]
            command += ["--params", str(folder / "params.yaml"), "--out", str(folder / "out")]
            measure(f"prepare {documents:>9}", [*command, "--metrics", str(folder / "m.json")])
            measure(f"read    {documents:>9}", ["-c", READ, str(folder / "out/corpus.jsonl")])


def measure(label: str, arguments: list[str]) -> None:
    """Runs Python with these arguments; prints its wall and CPU seconds and its MB at the peak."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{label}: failed")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
    wall = time.monotonic() - start
    click.echo(f"{label} documents  {wall:6.1f} s wall  {cpu:6.1f} s CPU  {peak:6.0f} MB")


if __name__ == "__main__":
    main()
