"""API keys: a token is shown once, when it is made; the file of keys holds only its hash.

Each line of the file is `name scopes sha256`, such as `sensors write 9f86d0...`; scopes are `read`, `write` or
`read,write`.  Empty lines and lines that start with # are skipped.
"""

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import Literal, NamedTuple

from gatecast.errors import OptionError

Scope = Literal["read", "write"]
SCOPES = ("read", "write")
NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
DIGEST = re.compile(r"[0-9a-f]{64}")


class Key(NamedTuple):
    """One key, as the server knows it.

    Attributes:
        name: as the log has it.
        scopes: what it may do.
        digest: of the token.
    """

    name: str
    scopes: frozenset[str]
    digest: bytes


class NewKey(NamedTuple):
    """A token that nobody can be shown again, and the line of the file that lets its bearer in."""

    token: str
    line: str


def digest_of(token: bytes) -> bytes:
    """The hash of a token.

    A fast hash is right here: a token is 256 random bits, so nobody can try all of them, however fast one try is.  Slow
    hashes are for passwords, which people choose.
    """
    return hashlib.sha256(token).digest()


def new_key(name: str, scopes: tuple[Scope, ...]) -> NewKey:
    """Make a key.

    Args:
        name: as the log will have it.
        scopes: what it may do.

    Raises:
        OptionError: the name or a scope cannot be.
    """
    if not NAME.fullmatch(name):
        raise OptionError(f"The name of a key is up to 64 letters, digits, dots, dashes or underscores, got {name!r}.")
    token = "gc_" + secrets.token_urlsafe(32)
    line = f"{name} {','.join(scopes)} {digest_of(token.encode()).hex()}"
    _parse(line, f"The key {name!r}")
    return NewKey(token, line)


class Keys:
    """The keys of a file."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self._keys = keys

    def find(self, token: bytes) -> Key | None:
        """The key of a token.  All keys are compared, each in constant time: the time taken tells nothing."""
        digest, found = digest_of(token), None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def read_keys(path: Path) -> Keys:
    """The keys of a file.

    Raises:
        OptionError: it cannot be read, has no key, or a line of it is no key.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"The file of keys {path} cannot be read: {error}.") from error
    keys = tuple(
        _parse(line, f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    )
    if not keys:
        raise OptionError(f"{path} holds no key, so nobody could get in; each line is `name scopes sha256`.")
    _check_names(path, keys)
    return Keys(keys)


def _parse(line: str, where: str) -> Key:
    parts = line.split()
    if len(parts) != 3:
        raise OptionError(f"{where}: a key is `name scopes sha256`, got {len(parts)} words.")
    name, scopes, digest = parts[0], frozenset(parts[1].split(",")), parts[2]
    if not NAME.fullmatch(name):
        raise OptionError(f"{where}: a name is up to 64 letters, digits, dots, dashes or underscores, got {name!r}.")
    if not scopes <= set(SCOPES):
        raise OptionError(f"{where}: scopes are read, write or read,write, got {parts[1]!r}.")
    if not DIGEST.fullmatch(digest):
        raise OptionError(f"{where}: a sha256 is 64 hexadecimal digits in lower case, got {len(digest)} characters.")
    return Key(name, scopes, bytes.fromhex(digest))


def _check_names(path: Path, keys: tuple[Key, ...]) -> None:
    names = [key.name for key in keys]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"{path} names {name!r} twice; give each key a name of its own, for the log.")
