"""The command line of next_value_from_features.py: what can be chosen, and how what is wrong is said."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter
from cyclopts.validators import Number

from gatecast import GatecastError
from gatecast.errors import OptionError

Count = Annotated[int, Parameter(validator=Number(gte=1))]


@Parameter(name="*")
@dataclass(frozen=True)
class Settings:
    """Everything that is chosen; stored with the model."""

    lookback: Count = 8
    stride: Count = 1
    readout: Literal["last", "mean"] = "last"
    bias: bool = True
    dropout: Annotated[float, Parameter(validator=Number(gte=0, lt=1))] = 0.0
    layers: Count = 1
    bidirectional: bool = False
    hidden: Count = 32
    epochs: Count = 60
    seed: int = 0

    def __post_init__(self) -> None:
        if self.dropout and self.layers == 1:
            raise OptionError(
                "dropout acts between layers, and one layer has no between: set --layers 2, or --dropout 0."
            )


DEFAULTS = Settings()


def run(command: Callable[..., None], text: str) -> None:
    """Run the command with the options given; say in one line what is wrong with them or with the table.

    Args:
        command: its keyword arguments are the options.
        text: what the script is; `--help` shows the first line.
    """
    app = App(help=text.splitlines()[0], default_command=command)
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False, result_action="return_value")
    except (GatecastError, OSError, CycloptsError) as error:
        sys.exit(str(error))
