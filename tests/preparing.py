"""Runs the stage prepare on small collections, with a tokenizer that counts words."""

from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from stages.prepare import main

PARAMS = Path(__file__).parents[1] / "params.yaml"


def word_tokenizer(path: Path) -> Path:
    """A tokenizer.json of a token a word."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))  # noqa: S106 -- no password
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))
    return path


def prepare(folder: Path, max_length: int = 256, prefix: str = "", **changes: Any) -> Result:
    """Runs the stage into folder/collection, with the committed parameters but for the changes."""
    params = yaml.load(PARAMS.read_text(), yaml.CSafeLoader)
    params["prepare"] |= changes
    params["encoder"] |= {"max_length": max_length, "document_prefix": prefix}
    file = folder / "params.yaml"
    file.write_text(yaml.dump(params, Dumper=yaml.CSafeDumper))
    options = {
        "params": file,
        "tokenizer": word_tokenizer(folder / "tokenizer.json"),
        "judgements": folder / "judgements",
        "out": folder / "collection",
        "metrics": folder / "prepare.json",
    }
    arguments = [part for key, value in options.items() for part in (f"--{key}", str(value))]
    return CliRunner().invoke(main, arguments)


def contents(folder: Path) -> dict[str, str]:
    """The files of a folder, by path."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
