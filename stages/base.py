"""Fetches models by name and revision: the base, and what is named beside it."""

import os
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building, has_files
from stages.lib.encoding.declared import check_modules, prompts_message
from stages.lib.encoding.hub import (
    check_code,
    check_size,
    check_tokenizer,
    check_weights,
    fetch_beside,
    fetch_embedder,
    fetch_model,
    is_fetched,
)
from stages.lib.encoding.portable import standardise
from stages.lib.params import Params, read_params


@stage
@path_option("--out", help="Folder for the base model.")
@path_option("--teacher", help="Folder for the cross-encoder; empty where none is named.")
@path_option("--language-model", help="Folder for mine.language_model; empty where none is named.")
@path_option("--documents", help="Folder for documents.model; empty where none is named.")
@path_option("--reader", help="Folder for answer.language_model; empty where none is named.")
@PARAMS
def main(
    params: Path, out: Path, teacher: Path, language_model: Path, documents: Path, reader: Path
) -> str:
    """Fetch the models and check that the pipeline can use the base.

    What came from the hub by this name and revision stays; a folder is read each time.
    """
    os.environ["HF_HUB_OFFLINE"] = "0"
    settings = read_params(params)
    base, mine, read = settings.base, settings.mine, settings.answer
    if is_fetched(base.model, base.revision, out):
        _check(out, settings)
    else:
        with building(out) as folder:
            fetch_model(base.model, base.revision, "base.model", folder)
            _check(folder, settings)
    message = prompts_message(out, settings.encoder)
    if message:
        click.echo(f"Warning: base.model: {message}", err=True)
    for key, model, revision, folder in (
        ("mine.cross_encoder", mine.cross_encoder, mine.cross_encoder_revision, teacher),
        ("mine.language_model", mine.language_model, mine.language_model_revision, language_model),
        ("answer.language_model", read.language_model, read.language_model_revision, reader),
    ):
        fetch_beside(model, revision, key, f"{key}_revision", folder)
    _documents(settings, documents)
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    named = {
        "cross-encoder": mine.cross_encoder,
        "language model": mine.language_model,
        "documents by": settings.documents.model,
        "references read by": read.language_model,
    }
    beside = "".join(f", {kind} {name}" for kind, name in named.items() if name)
    return f"base: {base.model} with {size / 1e6:,.0f} MB{beside}"


def _documents(settings: Params, folder: Path) -> None:
    model = settings.documents
    fetch_embedder(model, "documents.model", "documents.revision", folder)
    if has_files(folder):
        check_code(folder, model.model, settings.base.custom_code)


def _check(folder: Path, settings: Params) -> None:
    """Refuses what the pipeline cannot use, and brings the rest into its form."""
    check_code(folder, settings.base.model, settings.base.custom_code)
    check_weights(folder, settings.base.sha256)
    check_size(folder)
    check_tokenizer(folder)
    standardise(folder, settings.encoder.max_length)
    check_modules(folder, pooled=settings.export.pooled)


if __name__ == "__main__":
    main()
