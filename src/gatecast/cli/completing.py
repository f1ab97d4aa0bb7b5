"""The command that prints what a shell needs to complete commands, flags and their values."""

import sys
from typing import Literal

from cyclopts import App


def add_completion_command(app: App) -> None:
    """Put the command beside the others; it tells of all that `app` has then."""

    def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
        """Print a script by which a shell completes commands, flags and their values.

        It goes to ~/.local/share/bash-completion/completions/gatecast for bash, to a file _cyclopts_gatecast in
        a folder of $fpath for zsh, and to ~/.config/fish/completions/gatecast.fish for fish.

        Parameters
        ----------
        shell
            The shell that reads it.
        """
        sys.stdout.write(app.generate_completion(prog_name="gatecast", shell=shell))

    app.command(completion)
