"""Certificates for mutual TLS on loopback."""

from pathlib import Path

import trustme


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Writes a client's and a server's certificates and keys; returns the server's files."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    for name in ("server", "client"):
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        for blob in issued.cert_chain_pems:
            blob.write_to_path(folder / f"{name}.pem", append=True)
    return folder / "server.pem", folder / "server.key", folder / "ca.pem"
