"""Text as a terminal may show it: nothing acts, nothing is lost, and scripts of the world stay whole."""

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatecast.errors import MissingExtraError, TableError
from gatecast.visible import is_whole, shortened, visible, visible_json

ANY = st.text(alphabet=st.characters())  # lone surrogates too


@given(text=ANY)
def test_nothing_in_a_visible_text_acts(text: str) -> None:
    shown = visible(text)
    assert not [
        c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and c not in "\u200c\u200d"
    ]
    assert visible(shown) == shown


@given(text=st.text())
def test_visible_json_means_the_same(text: str) -> None:
    written = visible_json(msgspec.json.format(msgspec.json.encode({text: [text]}), indent=1).decode())
    assert json.loads(written) == {text: [text]}
    assert visible(written.replace("\n", "")) == written.replace("\n", "")


@pytest.mark.parametrize("text", ["東京", "\u0646\u200c\u0645", "👨\u200d👩\u200d👧", "100\u00a0km", "e\u0301"])
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_a_long_message_keeps_its_begin_and_its_remedy() -> None:
    text = shortened("found " + "x" * 5000 + " do this", 300)
    assert len(text) == 300
    assert text.startswith("found x")
    assert text.endswith("x do this")
    assert shortened("short") == "short"


def test_errors_show_their_names_and_keep_them_in_their_arguments() -> None:
    assert str(TableError("a\x1bb")) == r"a\x1bb"
    assert TableError("a\x1bb").args == ("a\x1bb",)
    assert "pip install" in str(MissingExtraError("x", "y", "z"))


def test_half_a_pair_is_no_whole_text() -> None:
    assert is_whole("a\U0001f600")
    assert not is_whole("a\ud83d")
