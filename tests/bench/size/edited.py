"""What one edited document of many costs: CPU and wall seconds of the stages up to `train`, twice.

python -m tests.bench.size.edited /tmp/edited 10000 [--train]

The documents are generated of the sample's words, 60 each in three sentences; the extractive
provider writes three queries for each. After the first run one document is edited, and the stages
run again as DVC runs them: with what the run before left. `mine` runs once more with the same
corpus, where its rankings are known. At last `embed` and `select` run without what was remembered:
is what `select` writes the same? FOLDER keeps what was made, and what the stages say on the way.
"""

import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click
import numpy as np
import orjson
import yaml

from stages.lib.core.files import write_jsonl

PARAMS = Path(__file__).parents[3] / "params.yaml"
SAMPLE = PARAMS.with_name("data") / "sample" / "corpus.jsonl"


def sentence(random: np.random.Generator, vocabulary: list[str]) -> str:
    """Twenty words by Zipf's law."""
    rows = np.minimum(random.zipf(1.3, 20), len(vocabulary)) - 1
    return " ".join(vocabulary[row] for row in rows).capitalize() + "."


def write_collection(folder: Path, documents: int) -> None:
    """A BEIR folder without judgements."""
    random = np.random.default_rng(7)
    counts = Counter(SAMPLE.read_text(encoding="utf-8").lower().split())
    vocabulary = [word for word, _ in counts.most_common() if word.isalpha()]
    write_jsonl(
        folder / "corpus.jsonl",
        (
            {"_id": f"doc-{number:07d}", "title": "", "text": text}
            for number in range(documents)
            for text in [" ".join(sentence(random, vocabulary) for _ in range(3))]
        ),
    )


def edit(path: Path) -> None:
    """Adds a word to the document in the middle."""
    lines = path.read_bytes().splitlines()
    row = orjson.loads(lines[len(lines) // 2])
    lines[len(lines) // 2] = orjson.dumps(row | {"text": row["text"] + " Edited."})
    path.write_bytes(b"\n".join(lines) + b"\n")


def steps(folder: Path) -> dict[str, tuple[str | Path, ...]]:
    """The stages' options, as in dvc.yaml."""
    data = folder / "collection"
    corpus, train = ("--corpus", data / "corpus.jsonl"), data / "train"
    model = ("--model", folder / "base", "--vectors", folder / "vectors")
    llm = (*corpus, "--train", train, "--prompts", "stages/prompts")
    rules, generated = folder / "rules.json", folder / "generated.jsonl"
    synthetic = folder / "synthetic"
    return {
        "prepare": (
            *("--tokenizer", folder / "base" / "tokenizer.json"),
            *("--judgements", folder / "none", "--out", data),
        ),
        "rules": (*llm, "--store", folder / "rules.jsonl", "--out", rules),
        "generate": (
            *(*llm, "--rules", rules, "--reviews", folder / "none"),
            *("--store", folder / "store.jsonl", "--out", generated),
            *("--answers", folder / "answers.jsonl"),
        ),
        "embed": (
            *(*corpus, "--model", folder / "base", "--with-sentences"),
            *("--out", folder / "vectors"),
        ),
        "select": (
            *(*corpus, "--generated", generated, "--imported", data / "imported.jsonl"),
            *("--dev", data / "dev" / "queries.jsonl", "--test", data / "test" / "queries.jsonl"),
            *("--reviews", folder / "none", *model),
            *("--queries", folder / "selected-vectors", "--out", synthetic),
        ),
        "judge_dev": (
            *(*corpus, "--asked", synthetic / "asked", "--synthetic", synthetic / "train"),
            *("--dev", data / "dev", "--rules", rules, *model, "--prompts", "stages/prompts"),
            *("--store", folder / "judge_dev.jsonl", "--out", folder / "judged"),
        ),
        "expand": (
            *(*llm, "--synthetic", synthetic / "train", *model),
            *("--store", folder / "expand.jsonl", "--out", folder / "expanded"),
        ),
        "mine": (
            *(*corpus, "--synthetic", synthetic, "--train", train),
            *("--expanded", folder / "expanded", *model),
            *("--document-vectors", folder / "unused", "--known", folder / "unused"),
            *("--cross-encoder", folder / "unused", "--language-model", folder / "unused"),
            *("--answers", folder / "unused"),
            *("--rankings", folder / "rankings", "--queries", folder / "mined-vectors"),
            *("--out", folder / "mined"),
        ),
        "train": (
            *(*corpus, "--mined", folder / "mined", "--dev", data / "dev", *model),
            *("--synthetic-dev", synthetic / "dev", "--judged", folder / "judged"),
            *("--measured-on", data / "measured_on.txt"),
            *("--distilled", folder / "unused", "--document-model", folder / "unused"),
            *("--document-vectors", folder / "unused", "--out", folder / "tuned"),
            *("--fusion", folder / "fusion.json", "--curve", folder / "curve.json"),
            *("--gate", folder / "gate.json"),
        ),
    }


def run(folder: Path, stage: str, options: tuple[str | Path, ...]) -> None:
    """A stage; prints what it took, and what it says."""
    words = [sys.executable, "-m", f"stages.{stage}", *map(str, options)]
    words += ["--params", str(folder / "params.yaml")]
    click.echo(f"{stage:10}", nl=False)
    if stage != "embed":
        words += ["--metrics", str(folder / f"{stage}-metrics.json")]
    start = time.monotonic()
    log = folder / f"{stage}.log"
    with log.open("w") as progress:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=progress, text=True)
        assert process.stdout is not None
        said = process.stdout.read().strip()
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise click.ClickException(f"{stage} failed: see {log}")
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e3
    wall = time.monotonic() - start
    click.echo(f"  {cpu:7.1f} s CPU  {wall:7.1f} s wall  {peak:6.0f} MB  {said}")


def written(folder: Path) -> dict[Path, bytes]:
    """The files that `select` wrote."""
    paths = sorted((folder / "synthetic").rglob("*"))
    return {path: path.read_bytes() for path in paths if path.is_file()}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("documents", type=int)
@click.option("--base", type=click.Path(path_type=Path), default="models/base", show_default=True)
@click.option("--train", is_flag=True, help="Trains too, after the edit.")
def main(folder: Path, documents: int, base: Path, *, train: bool) -> None:
    """Print a line a stage, for each run."""
    for name in ("none", "unused"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_collection(folder / "beir", documents)
    loaded = yaml.safe_load(PARAMS.read_text())
    loaded["prepare"] |= {"source": "beir", "path": str(folder / "beir"), "judgements": "none"}
    loaded["llm"] |= {"provider": "extractive"}
    (folder / "params.yaml").write_text(yaml.safe_dump(loaded))
    if not (folder / "base").exists():
        (folder / "base").symlink_to(base.resolve())
    stages = steps(folder)
    training = stages.pop("train")
    click.echo(f"{documents:,} documents, from nothing")
    for stage, options in stages.items():
        run(folder, stage, options)
    edit(folder / "beir" / "corpus.jsonl")
    click.echo("one of them edited")
    for stage, options in stages.items():
        run(folder, stage, options)
    click.echo("nothing edited")
    run(folder, "mine", stages["mine"])
    click.echo("the edited ones, from nothing")
    files = written(folder)
    for name in ("vectors", "selected-vectors"):
        shutil.rmtree(folder / name)
    for stage in ("embed", "select"):
        run(folder, stage, stages[stage])
    click.echo(f"{len(files)} files of select, the same bytes: {written(folder) == files}")
    if train:
        run(folder, "train", training)


if __name__ == "__main__":
    main()
