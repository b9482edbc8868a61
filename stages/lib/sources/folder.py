"""The files of a folder, and what is left out of them, counted and told by extension."""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from stages.lib.errors import UserError
from stages.lib.params import Prepare

REASONS = {
    "ignored_files": "no reader",
    "excluded_files": "excluded",
    "linked_files": "links, not followed",
    "link_files": "nothing but links",
    "similar_files": "much like another",
    "unreadable_files": "unreadable",
}
"""Why a file is left out: what counts it, and its words."""
UNMISSED = {"excluded_files", "link_files", "similar_files"}
JUDGED = ("queries.jsonl", "answers.jsonl")
"""What lies beside the folder qrels, where there is one."""
LARGE = 0.1
"""The share of files or bytes left out that is worth a warning."""


@dataclass(slots=True)
class Tally:
    """What was found and what was left out."""

    counts: Counter[str] = field(
        default_factory=lambda: Counter({"files": 0} | dict.fromkeys(REASONS, 0))
    )
    """`files` with a reader, and those left out by reason."""
    _extensions: dict[str, Counter[str]] = field(default_factory=dict)
    _found: Counter[str] = field(default_factory=Counter)
    _lost: Counter[str] = field(default_factory=Counter)

    def found(self, path: Path) -> None:
        """Counts a file, whatever becomes of it."""
        self._found.update(files=1, bytes=_size(path))

    def leave_out(self, reason: str, path: Path) -> None:
        """Counts a file that is not read, for one of `REASONS`."""
        self.counts[reason] += 1
        extension = shown(path.suffix.lower()) or "no extension"
        self._extensions.setdefault(reason, Counter())[extension] += 1
        if reason not in UNMISSED:
            self._lost.update(files=1, bytes=_size(path))

    def summary(self) -> str:
        """What was left out, in a line; empty where nothing was."""
        if not self._extensions:
            return ""
        parts = "; ".join(
            ", ".join(f"{each} {counts[each]:,}" for each in sorted(counts, key=_frequent(counts)))
            + f" ({REASONS[reason]})"
            for reason, counts in sorted(self._extensions.items())
        )
        left_out = sum(self.counts[reason] for reason in REASONS)
        return f"{left_out:,} of {self._found['files']:,} files are left out: {parts}"

    def note(self) -> str:
        """The summary, as a warning where much was left out."""
        much = any(self._lost[unit] > LARGE * self._found[unit] for unit in ("files", "bytes"))
        return f"Warning: {self.summary()}" if much else self.summary()


def usable(policy: Prepare, suffixes: list[str], tally: Tally) -> list[Path]:
    """The files below a folder that have a reader; hidden ones and judgements are left alone.

    Links are not followed: what they lead to is read at its own place, or lies elsewhere.

    Args:
        policy: the folder (path) and the patterns (include, exclude).
        suffixes: of the files that have a reader; files of the first ones come first.
        tally: counts what is found and left out.

    """
    files = []
    judged = (policy.path / "qrels").is_dir()
    for path in sorted(_walk(policy.path)):
        place = path.relative_to(policy.path).as_posix()
        if judged and (place in JUDGED or place.startswith("qrels/")):
            continue
        tally.found(path)
        if path.is_symlink():
            tally.leave_out("linked_files", path)
        elif not _wanted(place, policy):
            tally.leave_out("excluded_files", path)
        elif path.suffix.lower() not in suffixes:
            tally.leave_out("ignored_files", path)
        else:
            files.append(path)
    tally.counts["files"] = len(files)
    return sorted(files, key=lambda path: suffixes.index(path.suffix.lower()))


def shown(name: str) -> str:
    """A file's name as text; bytes that are no UTF-8 as escapes, so that names stay apart."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _frequent(counts: Counter[str]) -> Callable[[str], tuple[int, str]]:
    return lambda extension: (-counts[extension], extension)


def _walk(folder: Path) -> list[Path]:
    found = []
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not _hidden(name)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        paths = [Path(place, name) for name in (*names, *links) if not _hidden(name)]
        found += [path for path in paths if path.is_symlink() or path.is_file()]
    return found


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename}: cannot be read ({error.strerror or error})") from error


def _wanted(place: str, policy: Prepare) -> bool:
    included = not policy.include or any(fnmatch(place, each) for each in policy.include)
    return included and not any(fnmatch(place, each) for each in policy.exclude)


def _hidden(name: str) -> bool:
    return name.startswith((".", "~$"))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
