"""Why the server says no, beyond what is wrong with the data: each of these has its HTTP status."""

from gatecast.errors import GatecastError


class RefusedError(GatecastError):
    """A request that cannot be served now or at all."""

    status = 500


class UnknownSeriesError(RefusedError):
    """Nobody has observed this series."""

    status = 404


class ConflictError(RefusedError):
    """An Idempotency-Key that came before with another request."""

    status = 409


class BusyError(RefusedError):
    """Too many requests wait."""

    status = 503

    def __init__(self, message: str, after: int = 1) -> None:
        super().__init__(message)
        self.after = after


class FullDiskError(RefusedError):
    """The disk is full; nothing of the request was kept."""

    status = 507
