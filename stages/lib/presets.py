"""Sets of parameters for known collections and recipes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from stages.lib.core.files import writing
from stages.lib.errors import UserError
from stages.lib.params import read_params


def read_preset(folder: Path, name: str) -> dict[str, Any]:
    """Reads a preset: values of params.yaml by section and key."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise UserError(f"{path}: no such preset; there are {names}")
    return dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


def apply_preset(params: Path, preset: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Sets a preset's values in params.yaml, where comments and all else stay as they are.

    Returns:
        A line for each value that changed.

    """
    read_params(params)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000
    loaded = yaml.load(params.read_text(encoding="utf-8"))
    changes = []
    for section, values in preset.items():
        for key, value in values.items():
            if key not in loaded.get(section, {}):
                raise UserError(f"{params}: {section}.{key}: no such parameter; mend the preset")
            if loaded[section][key] != value:
                changes.append(f"{section}.{key}: {loaded[section][key]} -> {value}")
                _set(loaded[section], key, value)
    with writing(params) as file:
        yaml.dump(loaded, file)
        file.flush()
        read_params(Path(file.name))  # what it refuses never takes the file's place
    return changes


def _set(section: Any, key: str, value: Any) -> None:
    # in place, so that style and comments stay
    if isinstance(value, list):
        section[key][:] = value
    elif isinstance(value, dict):
        for name, each in value.items():
            _set(section[key], name, each)
    else:
        section[key] = value
