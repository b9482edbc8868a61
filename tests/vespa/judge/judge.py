"""Questions to the judge's process, a line of JSON each."""

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

JAVA = ("java", "-Xmx2g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8")
PATIENCE = 120.0
"""Seconds for one answer."""


class Refused(Exception):  # noqa: N818 - the word of the protocol
    """Vespa says no; the message is its own with those of its causes, in one line."""


@dataclass(frozen=True)
class Demand:
    """What has to be done before a change is in effect: `type` restart, refeed or reindex."""

    type: str
    message: str


class Judge:
    """One process for all questions; packages are remembered by their folder."""

    def __init__(self, class_path: str) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115
        self._process = subprocess.Popen(
            [
                *JAVA,
                f"-Djava.io.tmpdir={self._scratch.name}",
                "-cp",
                class_path,
                "embedsmith.Judge",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._log.close()
        self._scratch.cleanup()

    def ask(self, question: str, **given: Any) -> Any:
        """The answer to a question of Judge.java's table; raises Refused where Vespa says no."""
        assert self._process.stdin
        assert self._process.stdout
        with self._hurried():
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps({"ask": question, **given}) + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"the judge died: {self._log.read()[-2000:]}")
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer["answer"]

    @contextmanager
    def _hurried(self) -> Iterator[None]:
        """Kills the process if it does not answer, so that no test waits for ever."""
        timer = threading.Timer(PATIENCE, self._process.kill)
        timer.start()
        yield
        timer.cancel()

    def package(self, folder: Path, hosted: bool = False, token: str = "") -> list[str]:
        """Compiles and validates a package; returns what Vespa warns of.

        Args:
            folder: the package's.
            hosted: whether as Vespa Cloud does it.
            token: the name of the token that Vespa Cloud's tenant has; empty for none.

        """
        answer = self.ask("package", folder=str(folder), hosted=hosted, token=token)
        return list(answer["warnings"])

    def settings(
        self, folder: Path, hosted: bool = False, token: str = ""
    ) -> dict[str, dict[str, Any]]:
        """What each embedder of a package is told, by its id."""
        found: dict[str, dict[str, Any]] = self.ask(
            "settings", folder=str(folder), hosted=hosted, token=token
        )
        return found

    def changes(
        self, folders: Sequence[Path], hosted: bool = False, token: str = ""
    ) -> list[list[Demand]]:
        """What each package demands that follows on the one before it; the first on none."""
        given = [str(each) for each in folders]
        answer = self.ask("changes", folders=given, hosted=hosted, token=token)
        return [[Demand(**each) for each in demands] for demands in answer]

    def words(
        self,
        folder: Path,
        kind: Literal["document", "query"],
        texts: Sequence[str],
        language: str = "",
    ) -> list[list[str]]:
        """The words that BM25 sees of texts, in their order.

        Args:
            folder: the package's, whose field `contents` and profile `bm25` are asked.
            kind: of the texts.
            texts: each by itself.
            language: a tag such as "en"; empty for what Vespa guesses of each.

        """
        given = {"kind": kind, "texts": list(texts), "language": language}
        return list(self.ask("words", folder=str(folder), **given))

    def queries(self, folder: Path, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """What requests to the query API become, in their order: QueriesQuestion.java's keys."""
        return list(self.ask("queries", folder=str(folder), requests=list(requests)))

    def feed(self, folder: Path, rows: Sequence[str]) -> list[dict[str, Any]]:
        """What lines of a feed become, in their order: FeedQuestion.java's keys."""
        return list(self.ask("feed", folder=str(folder), rows=list(rows)))

    def embed(
        self, folder: Path, embedder: str, texts: Sequence[str], type: str, destination: str
    ) -> list[list[float]]:
        """The vectors of texts by a package's embedder, as its services.xml sets it up.

        Args:
            folder: the package's.
            embedder: its id.
            texts: each embedded by itself.
            type: the tensor's, such as "tensor<float>(x[16])".
            destination: who asks: "query(NAME)", or "doc.FIELD".

        """
        given = {"embedder": embedder, "type": type, "destination": destination}
        answer = self.ask("embed", folder=str(folder), texts=list(texts), **given)
        return [each["cells"] for each in answer]

    def values(
        self, folder: Path, profile: str, function: str, rows: Sequence[dict[str, Any]]
    ) -> list[float]:
        """A rank profile's function, of vectors by feature: {"type": ..., "cells": [...]}."""
        given = {"profile": profile, "function": function, "rows": list(rows)}
        return list(self.ask("rank", folder=str(folder), **given))

    def ranked(
        self, folder: Path, profile: str, rows: Sequence[dict[str, Any]]
    ) -> list[tuple[int, float]]:
        """Rows of a "score" and match "features" after the global phase: number and score."""
        answer = self.ask("rank", folder=str(folder), profile=profile, rows=list(rows))
        return [(hit["row"], hit["score"]) for hit in answer]
