"""open_store: a URL or a folder, and what is said when a package for it is missing."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from gatecast.errors import MissingExtraError, OptionError
from gatecast.server.store import opening
from gatecast.server.store.opening import open_store
from gatecast.server.store.sqlite import SqliteStore
from gatecast.server.store.troubles import StoreError


@pytest.mark.parametrize("kind", [str, Path])
def test_anything_but_a_url_is_a_folder(tmp_path: Path, kind: type[str] | type[Path]) -> None:
    with open_store(kind(tmp_path / "postgresql" / "store")) as store:
        assert isinstance(store, SqliteStore)
    assert (tmp_path / "postgresql" / "store" / "observations.db").exists()


def test_the_policy_is_passed_on(tmp_path: Path) -> None:
    for where in (tmp_path, "postgresql://nobody@127.0.0.1:1/none"):
        with pytest.raises(OptionError, match="expected keep_days"):
            open_store(where, -1.0)


@pytest.mark.parametrize(
    ("where", "package", "extra"), [("store", "apsw", "serve"), ("postgresql://a@b/c", "psycopg", "postgres")]
)
def test_a_missing_package_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, where: str, package: str, extra: str
) -> None:
    def nothing(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(opening, "find_spec", nothing)
    with pytest.raises(MissingExtraError, match=rf"needs {package}, which .*pip install 'gatecast\[{extra}\]'"):
        open_store(where)


@pytest.mark.parametrize(
    "where",
    [
        "postgresql://user:secret@127.0.0.1:1/none",
        "postgres://user:secret@no-such-host.invalid/none",
        "postgresql://user:secret@127.0.0.1:1/none?unknown=1",
        "postgresql://user:%zzsecret@127.0.0.1:1/none",
        "postgresql://user:secret@127.0.0.1:port/none",
    ],
)
def test_the_password_is_in_no_message(where: str) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened|that cannot be read: write signs") as refused:
        open_store(where)
    error: BaseException | None = refused.value
    while error is not None:
        assert "secret" not in str(error)
        error = None if error.__suppress_context__ and error.__cause__ is None else error.__cause__ or error.__context__
