"""The headers that every answer has, and those of an answer of JSON."""

# Of HTML that brings no policy of its own, as the page does (`page/policy.py`).
HTML_POLICY = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HTML = b"text/html"
JSON = b"application/json"

Header = tuple[bytes, bytes]

SAFE: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
FRESH: Header = (b"cache-control", b"no-store")


def for_body(media: bytes, body: bytes, request: str) -> list[Header]:
    """The headers of a whole body that nobody may keep."""
    return [
        (b"content-type", media),
        (b"content-length", b"%d" % len(body)),
        (b"x-request-id", request.encode()),
        FRESH,
        *SAFE,
    ]


def for_any(headers: list[Header], request: str) -> list[Header]:
    """The headers of an answer that somebody else made, with what every answer has."""
    named = dict(headers)
    more = [(b"x-request-id", request.encode()), *SAFE]
    if named.get(b"content-type", b"").startswith(HTML) and b"content-security-policy" not in named:
        more.append((b"content-security-policy", HTML_POLICY))
    if b"cache-control" not in named:
        more.append(FRESH)
    return [*headers, *more]
