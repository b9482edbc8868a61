"""The deployed application: read from Vespa, changed one deployment at a time.

Vespa itself is the record of what serves. Nothing that a swap needs is kept on this machine alone,
so that a run that was killed is simply started again, here or anywhere else.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.vespa.package.application import (
    CLUSTER,
    DOCUMENT_TYPE,
    MANIFEST,
    Application,
    read_application,
)
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.search.connection import Connection, connect
from stages.lib.vespa.search.engine import count_vectors
from stages.lib.vespa.search.profile import Profile

INSTANCE = (
    "/application/v2/tenant/default/application/default/environment/default/region/default/"
    "instance/default"
)
WAIT = 600
"""Seconds for a deployment to converge."""


@dataclass(slots=True)
class Site:
    """A Vespa installation with the templates that its packages are made from.

    `folder` is a scratch folder; `poll` the seconds between looks at what Vespa is doing, and
    `patience` those after which Vespa Cloud, if no more vectors come, counts as done.
    """

    connection: Connection
    templates: Path
    params: Params
    folder: Path
    poll: float = 1.0
    patience: float = 900.0

    def current(self) -> Application | None:
        """The active application, or None where nothing is deployed yet.

        Raises:
            UserError: nobody answers, or what is deployed is somebody else's.

        """
        if not self.connection.fetch(self._active):
            return None
        if not (self._active / MANIFEST).is_file():
            raise UserError(
                f"{self.connection.target}: serves an application that was not deployed from "
                "here; remove it first, or set VESPA_TARGET to another installation"
            )
        return read_application(self._active)

    def deploy(self, application: Application, models: Path | None = None) -> None:
        """Deploys an application and waits until it serves.

        Models come from the active application, or from `models`, a folder of them by hash.
        """
        active = self._active / "models"
        folders = {
            name: models / name if models and (models / name).is_dir() else active / name
            for name in application.towers()
        }
        package = self.folder / "application"
        write_application(package, application, self.templates, folders, self.params)
        overrides = self.templates / "validation-overrides.xml"
        if overrides.is_file():
            (package / overrides.name).write_bytes(overrides.read_bytes())
        self.connection.deploy(package, WAIT)

    @property
    def _active(self) -> Path:
        return self.folder / "active"

    def reindex(
        self, application: Application, profile: Profile, documents: int, models: Path
    ) -> None:
        """Has Vespa compute the vectors that a profile's field lacks, and waits for them.

        On Vespa Cloud the deployment of a new field has started this already.
        """
        for _ in range(2):  # one that was under way may have begun before the field was there
            if not self.connection.cloud and not self._reindexing():
                self._start_reindexing()
                self.deploy(application, models)
            self._await_vectors(profile, documents)
            if self._vectors(profile, documents) >= documents:
                return
        raise UserError(
            f"{profile.field}: {self._vectors(profile, documents)} of {documents} documents "
            "have a vector after re-indexing; look for the embedder's errors in Vespa's log"
        )

    def _start_reindexing(self) -> None:
        where = f"clusterId={CLUSTER}&documentType={DOCUMENT_TYPE}"
        answer = self.connection.ask("POST", f"{INSTANCE}/reindex?{where}")
        if answer.is_error:
            raise UserError(
                f"{self.connection.config_server}: re-indexing is refused "
                f"({answer.status_code}: {' '.join(answer.text.split())[:200]})"
            )

    def _reindexing(self) -> Mapping[str, object]:
        """The re-indexing that is waiting or under way; empty if there is none."""
        answer = self.connection.ask("GET", f"{INSTANCE}/reindexing")
        if answer.is_error:
            return {}
        ready = answer.json().get("clusters", {}).get(CLUSTER, {}).get("ready", {})
        status: Mapping[str, object] = ready.get(DOCUMENT_TYPE, {})
        if status.get("state") == "failed":
            raise UserError(
                f"re-indexing failed ({status.get('message', 'no reason given')}); Vespa tries "
                "again by itself: run make deploy once that is done"
            )
        return status if status.get("state") in {"pending", "running"} else {}

    def _await_vectors(self, profile: Profile, documents: int) -> None:
        with tqdm(total=documents, desc="re-index", unit="doc") as progress:
            moved = time.monotonic()
            while True:
                # Vespa Cloud has nobody to ask: there it is over when nothing moves any longer
                idle = time.monotonic() - moved
                busy = idle < self.patience if self.connection.cloud else self._reindexing()
                vectors = self._vectors(profile, documents)
                if vectors != progress.n:
                    moved = time.monotonic()
                progress.update(vectors - progress.n)
                if vectors >= documents or not busy:
                    return
                time.sleep(self.poll)

    def _vectors(self, profile: Profile, documents: int) -> int:
        return count_vectors(self.connection, profile, documents)


@contextmanager
def open_site(templates: Path, params: Params) -> Iterator[Site]:
    """The installation that the environment names, with a scratch folder that goes at the end."""
    connection = connect(os.environ)
    with tempfile.TemporaryDirectory() as scratch:
        yield Site(connection, templates, params, Path(scratch))
