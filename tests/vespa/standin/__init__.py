"""A stand-in for a Vespa installation: it checks what Vespa would check, and answers searches."""

from tests.vespa.standin.server import StandIn

__all__ = ["StandIn"]
