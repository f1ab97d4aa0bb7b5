"""Where observations are kept: an append-only log, and snapshots of the states it led to."""

from gatecast.server.store.protocol import Entry, Receipt, Row, Snapshot, StateStore

__all__ = ["Entry", "Receipt", "Row", "Snapshot", "StateStore"]
