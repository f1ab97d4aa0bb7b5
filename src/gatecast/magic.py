"""`%load_ext gatecast`, then `%gatecast fit df --horizon 24`: the command line in a notebook, on its data frames."""

import shlex
from typing import Any

from cyclopts import CycloptsError
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class

from gatecast.cli import main
from gatecast.cli.app import app, fit_options
from gatecast.cli.flags import OutputFlags, said
from gatecast.errors import GatecastError, OptionError
from gatecast.workflow import Model, fit
from gatecast.workflow.listening import Silent


@magics_class
class Gatecast(Magics):  # type: ignore[misc] # IPython has no types
    """The magic; IPython makes it."""

    @line_magic  # type: ignore[untyped-decorator]
    def gatecast(self, line: str) -> Any:  # noqa: ANN401 - a model, or nothing
        """`%gatecast fit NAME [flags]` fits on the data frame of that name, or on a file, and gives the model.

        Every other line is a command as in a terminal: `%gatecast predict runs/load`.
        """
        words = shlex.split(line)
        if words[:1] != ["fit"] or "--help" in words:
            main(words)
            return None
        try:
            return self._fit(words)
        except (GatecastError, CycloptsError) as error:
            raise UsageError(str(error)) from None

    def _fit(self, words: list[str]) -> Model:
        """As `gatecast.fit`: without --out nothing is written."""
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        told = bound.arguments
        output = told.get("output") or OutputFlags()
        kept = OutputFlags(output.out, output.resume, output.tensorboard, quiet=output.quiet)
        if output != kept or told.get("workers"):
            raise OptionError(
                "a notebook draws its own progress, has the model as its result, and trains in its own process: "
                "leave out --watch, --film, --json, --threads, --engine and --workers."
            )
        groups = (told.get(name) for name in ("table", "net", "training", "judging"))
        return fit(
            self.shell.user_ns.get(str(told["data"]), told["data"]),
            out=kept.out,
            resume=kept.resume,
            tensorboard=kept.tensorboard,
            options=fit_options(told.get("horizon"), told.get("config"), told.get("settings"), said(*groups)),
            listener=Silent() if kept.quiet else None,
        )


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magic; IPython calls this."""
    shell.register_magics(Gatecast)
