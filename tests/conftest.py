"""While the tests run, every annotated shape and type in gatecast is checked."""

from jaxtyping import install_import_hook

hook = install_import_hook("gatecast", "beartype.beartype")
