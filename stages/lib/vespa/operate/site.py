"""The deployed application: read from Vespa, changed one deployment at a time.

Vespa itself is the record of what serves. Nothing that a swap needs is kept on this machine alone,
so that a run that was killed is simply started again, here or anywhere else.
"""

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from stages.lib.core.files import scratch
from stages.lib.errors import UserError
from stages.lib.params import Params
from stages.lib.vespa.operate.exchange import INSTANCE, ChangedError, Exchange
from stages.lib.vespa.package.application import (
    CLUSTER,
    DOCUMENT_TYPE,
    Application,
    Ground,
    ground_of,
)
from stages.lib.vespa.package.lease import Lease, new_lease
from stages.lib.vespa.package.manifest import Manifest
from stages.lib.vespa.package.rendering import write_application
from stages.lib.vespa.search.connection import Connection, connect
from stages.lib.vespa.search.engine import count_vectors
from stages.lib.vespa.search.profile import Profile

LEASE = 1200.0
"""Seconds that a lease lasts unless it is renewed."""

POLL = 1.0
"""Seconds between looks at what Vespa is embedding..."""

PATIENCE = 900.0
"""...and those after which Vespa Cloud, if no more vectors come, counts as done."""


@dataclass(slots=True)
class Site:
    """A Vespa installation with the templates that its packages are made from.

    `folder` is a scratch folder; `command` what is being done, for others to read.
    """

    connection: Connection
    templates: Path
    params: Params
    folder: Path
    command: str
    _exchange: Exchange = field(init=False)
    _held: Lease | None = None
    _deployed: tuple[Application, Path | None] | None = None

    def __post_init__(self) -> None:
        self._exchange = Exchange(self.connection, self.folder / "active", self.ground)

    def current(self) -> Application | None:
        """The active application, or None where nothing is deployed yet.

        Raises:
            UserError: nobody answers, what is deployed is somebody else's, or somebody else
                changes it at the moment.

        """
        manifest = self._exchange.read()
        if manifest is None:
            return None
        other = manifest.lease
        if other and not other.ended(time.time()):
            raise UserError(
                f"{self.connection.target}: {other} changes what is deployed; wait for its end, "
                "nothing was touched"
            )
        if other:
            tqdm.write(f"{other} ended without an end; goes on from there", file=sys.stderr)
        return manifest.application

    def deploy(self, application: Application, models: Path | None = None) -> None:
        """Deploys an application under our lease and waits until it serves.

        Models come from the active application, or from `models`, a folder of them by hash.

        Raises:
            UserError: Vespa refuses it, or it is not what we read or deployed last that serves.

        """
        until = time.time() + LEASE
        lease = self._held.renewed(until) if self._held else new_lease(self.command, until)
        self._write(application, models, lease)

    def release(self, application: Application, models: Path | None = None) -> None:
        """The same as the last deployment, which gives the lease back."""
        self._write(application, models, None)

    @contextmanager
    def giving_back(self, application: Application, models: Path | None = None) -> Iterator[None]:
        """Gives the lease back where the work under it fails; what is live stays live."""
        try:
            yield
        except UserError as fault:
            try:
                self.release(application, models)
            except ChangedError as changed:  # whatever failed, failed for that
                raise changed from fault
            except UserError:
                pass  # the first fault is the one to tell
            raise

    def renew(self) -> None:
        """Deploys anew what is deployed, if our lease has not long to go; for waiting to call."""
        if self._held and self._deployed and self._held.until - time.time() < LEASE * 2 / 3:
            self.deploy(*self._deployed)

    def _write(self, application: Application, models: Path | None, lease: Lease | None) -> None:
        active = self._exchange.folder / "models"
        folders = {
            name: models / name if models and (models / name).is_dir() else active / name
            for name in application.towers()
        }
        package, revision = self.folder / "application", secrets.token_hex(8)
        manifest = Manifest(application, lease, revision)
        write_application(package, manifest, self.templates, folders)
        overrides = self.templates / "validation-overrides.xml"
        if overrides.is_file():
            (package / overrides.name).write_bytes(overrides.read_bytes())
        self._exchange.write(package, revision)
        self._held, self._deployed = lease, (application, models)

    @property
    def ground(self) -> Ground:
        """What today's parameters say of the ground that all models stand on."""
        return ground_of(self.params)

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
                busy = idle < PATIENCE if self.connection.cloud else self._reindexing()
                vectors = self._vectors(profile, documents)
                if vectors != progress.n:
                    moved = time.monotonic()
                progress.update(vectors - progress.n)
                self.renew()
                if vectors >= documents or not busy:
                    return
                time.sleep(POLL)

    def _vectors(self, profile: Profile, documents: int) -> int:
        return count_vectors(self.connection, profile, documents)


@contextmanager
def open_site(templates: Path, params: Params, command: str, folder: Path) -> Iterator[Site]:
    """The installation that the environment names.

    Args:
        templates: the folder application-package.
        params: today's.
        command: what is being done.
        folder: where a scratch folder is made, which goes at the end.

    """
    with scratch(folder / "site") as made:
        yield Site(connect(os.environ), templates, params, made, command)
