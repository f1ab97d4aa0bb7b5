"""What a user can say, defined once: as keyword in Python, as flag, as `--set`, and as a line in a TOML file."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from gatecast.choosing import Asked
from gatecast.data.columns import TableOptions
from gatecast.errors import OptionError
from gatecast.evaluation.baselines import baselines_by_name
from gatecast.models.config import NetworkConfig
from gatecast.nn import LayerConfig
from gatecast.nn.config import MOST_HIDDEN


class EvaluationOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """How the forecaster is judged.

    Attributes:
        validation: share of the rows that chooses the best weights.
        test: share of the rows at the end that scores, and does nothing else; 0 keeps none, for a net that is judged
            elsewhere.
        windows: the most rolling origins of each series, the latest; None takes all, one horizon apart.
        baselines: names of the simple methods beside the net; None takes all that are quick enough.
        local: also train one small net for each series, which tells whether one net over all of them learns more.
        local_units: units of each of those.
    """

    validation: float = 0.2
    test: float = 0.2
    windows: int | None = None
    baselines: tuple[str, ...] | None = None
    local: bool = False
    local_units: int = 8

    def __post_init__(self) -> None:
        for name, fits in (("validation", 0 < self.validation < 1), ("test", 0 <= self.test < 1)):
            if not fits:
                raise OptionError(f"evaluation.{name} is a share between 0 and 1, got {getattr(self, name)}.")
        if self.validation + self.test >= 1:
            raise OptionError(
                f"evaluation.validation={self.validation} and evaluation.test={self.test} leave nothing to train on: "
                f"lower one of them."
            )
        if self.windows is not None and self.windows < 1:
            raise OptionError(f"evaluation.windows counts from 1 up, got {self.windows}.")
        if not 1 <= self.local_units <= MOST_HIDDEN:
            raise OptionError(
                f"evaluation.local_units counts units from 1 up, got {self.local_units}; the most is {MOST_HIDDEN:,}."
            )
        if self.baselines == ():
            raise OptionError("evaluation.baselines=none leaves the net without a rival; name one, such as naive.")
        baselines_by_name(self.baselines or (), season=1)  # a wrong name is refused before training, not after

    def check_scored(self) -> None:
        """Refuse to score where no rows are kept for it.

        Raises:
            OptionError: there is no test part.
        """
        if not self.test:
            raise OptionError(
                "evaluation.test=0 keeps no rows to score the net by, and a run folder holds scores: give a share such "
                "as 0.2, or fit in Python without out=."
            )


class FitOptions(Asked, frozen=True, forbid_unknown_fields=True):
    """Everything that can be said about a fit; the defaults are meant to be good.

    Attributes:
        table: how the table is read.
        evaluation: how the forecaster is judged.
    """

    table: TableOptions = TableOptions()
    evaluation: EvaluationOptions = EvaluationOptions()


LARGEST = 1_000_000  # bytes of a config file; all settings there are take two thousand
DEEPEST = 8  # groups within groups; there are two
MOST_NAMES = 1000  # in one group
SHOWN = 80  # characters of a value in a message
GIVE = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text", "array": "a list"}

SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {name: f"table.{name}" for name in TableOptions.__struct_fields__}
    | {name: f"network.layer.{name}" for name in LayerConfig.__struct_fields__}
    | {name: f"network.{name}" for name in NetworkConfig.__struct_fields__ if name != "layer"}
    | {
        name: f"training.{name}"
        for name in ("steps", "budget", "batch_size", "learning_rate", "patience", "seed", "optimiser", "device")
    }
    | {name: f"evaluation.{name}" for name in EvaluationOptions.__struct_fields__}
)


def build_options(settings: Mapping[str, Any], file: str | Path | None = None) -> FitOptions:
    """Options from a TOML file, overridden by settings; in both, names are `cell` or `network.layer.cell`.

    Settings that are None are left as they are; texts are read as the type that is needed.

    Raises:
        OptionError: a name is unknown, or a value cannot be.
    """
    tree: dict[str, Any] = {}
    for name, value in said_settings(settings, file).items():
        _place(tree, name.split("."), value)
    return _convert(tree)


def said_settings(settings: Mapping[str, Any], file: str | Path | None = None) -> dict[str, Any]:
    """What was said, by the full names of the settings: that of a TOML file, overridden by `settings`.

    Raises:
        OptionError: the file cannot be read.
    """
    return full_names(_read_toml(Path(file)) if file is not None else {}) | full_names(settings)


def full_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their full names, whichever they were said by; those that are None say nothing.

    Raises:
        OptionError: one is said twice, by its short and by its full name, or groups lie too deep.
    """
    found: dict[str, Any] = {}
    for name, value in flatten(settings).items():
        full = SHORT_NAMES.get(name, name)
        if full in found and value is not None:
            raise OptionError(f"{full} is said twice, as {found[full]!r} and as {value!r}: leave one of them out.")
        if value is not None:
            found[full] = value
    return found


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their full names.

    Raises:
        OptionError: groups lie in groups deeper than any setting does, or hold far more than there are.
    """
    if len(tree) > MOST_NAMES:
        raise OptionError(
            f"got {len(tree):,} settings, and there are {len(all_settings())}; `gatecast settings` lists them."
        )
    if prefix.count(".") > DEEPEST:
        raise OptionError(f"no setting lies as deep as {prefix[:60]}...; write network.layer.cell, or cell alone.")
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= flatten(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return flat


def _convert(tree: dict[str, Any]) -> FitOptions:
    try:
        return msgspec.convert(tree, FitOptions, strict=False)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, OptionError):  # a configuration refused its values, and said why
            raise OptionError(str(error.__cause__)) from error
        raise OptionError(_explain(str(error), tree)) from error


def _place(tree: dict[str, Any], path: list[str], value: Any) -> None:  # noqa: ANN401 - whatever the user said
    kind = _field_type(path)
    if _is_struct(kind):
        name = ".".join(path)
        within = ", ".join(all_settings(kind, f"{name}."))
        raise OptionError(f"{name} is a group of settings, got {name}={_brief(value)}. Name one of them: {within}.")
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = _as_list(value) if "tuple" in str(kind) else value


def _as_list(value: Any) -> Any:  # noqa: ANN401
    """`a,b`, or one value, or `none`, where several are allowed."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    parts = [part.strip() if isinstance(part, str) else part for part in parts]
    return [] if parts in ([""], ["none"]) else parts


def _field_type(path: list[str]) -> Any:  # noqa: ANN401
    """The type of a setting; raises OptionError, naming the nearest ones, for a name that does not exist."""
    kind: Any = FitOptions
    for part in path:
        fields = {name: field.type for name, field in _fields(kind).items()} if _is_struct(kind) else {}
        if part not in fields:
            known = sorted(all_settings())
            said = ".".join(path)
            near = difflib.get_close_matches(said[:SHOWN].lower(), [*known, *SHORT_NAMES], n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else f"the settings are {', '.join(known)}."
            raise OptionError(f"there is no setting {_brief(said)}; {hint}")
        kind = fields[part]
    return kind


@cache
def _fields(kind: type[Struct]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """The settings of a group; msgspec works them out anew each time, which is slow."""
    return MappingProxyType({field.name: field for field in msgspec.structs.fields(kind)})


def _is_struct(kind: Any) -> bool:  # noqa: ANN401
    return isinstance(kind, type) and issubclass(kind, Struct)


def all_settings(kind: type[Struct] = FitOptions, prefix: str = "") -> dict[str, Any]:
    """Every setting by its full name, with its default."""
    found: dict[str, Any] = {}
    for field in _fields(kind).values():
        name = f"{prefix}{field.name}"
        if _is_struct(field.type):
            found |= all_settings(field.type, f"{name}.")
        else:
            found[name] = field.default
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    text = _config_bytes(path)
    try:
        return tomllib.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        known = isinstance(error, tomllib.TOMLDecodeError | UnicodeDecodeError)
        why = str(error) if known else "a number or a list in it is larger than any setting"
        raise OptionError(
            f"the config file {path} is not TOML: {why}. It holds lines such as horizon = 24, in UTF-8; "
            f"`gatecast settings` prints all that there are."
        ) from error


def _config_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except FileNotFoundError as error:
        raise OptionError(f"there is no config file {path}. Check the name and the folder.") from error
    except IsADirectoryError as error:
        raise OptionError(
            f"{path} is a folder; give one config file, such as the one `gatecast settings` prints."
        ) from error
    except (OSError, ValueError) as error:  # a ValueError where the name holds a null character
        why = error.strerror if isinstance(error, OSError) else error
        raise OptionError(f"the config file {path} cannot be read: {why}. Check the file, or give another.") from error
    if len(text) > LARGEST:
        raise OptionError(
            f"{path} holds more than {LARGEST:,} bytes, which no config file takes; `gatecast settings` prints one."
        )
    return text


def _explain(message: str, tree: dict[str, Any]) -> str:
    """Msgspec's message with the setting and its value in front, and the choices where there are some."""
    reason, _, place = message.replace(" | null", "").partition(" - at `$.")  # null: left open, not said
    value: Any = tree
    steps = re.findall(r"\w+", place)
    for step in steps:
        value = value[int(step) if isinstance(value, list) else step]
    said = f"{place.rstrip('`')}={_brief(value)}"
    choices = _choices(_field_type([step for step in steps if not step.isdigit()]))
    if choices:
        return f"{said} cannot be; the choices are {', '.join(choices)}."
    wanted = re.search(r"`(\w+)`", reason)
    give = f" Give {GIVE[wanted[1]]}." if wanted is not None and wanted[1] in GIVE else ""
    return f"{said} cannot be: {reason[0].lower()}{reason[1:]}.{give}"


def _brief(value: Any) -> str:  # noqa: ANN401
    """A value as it stands in a message."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _choices(kind: Any) -> list[str]:  # noqa: ANN401
    """The values that a Literal allows, also inside an optional or a list; and a number beside them."""
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    found = [choice for inner in get_args(kind) for choice in _choices(inner)]
    return [GIVE["int"], *found] if found and int in get_args(kind) else found
