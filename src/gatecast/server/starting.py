"""From a run folder to a server that listens."""

import gc
from pathlib import Path
from typing import NamedTuple

import torch

from gatecast.server.app import build_app
from gatecast.server.card import card_of
from gatecast.server.engine import Engine
from gatecast.server.options import ServeOptions
from gatecast.server.page import page_routes
from gatecast.server.serving import serve
from gatecast.server.store.opening import open_store
from gatecast.streaming import StreamOptions
from gatecast.workflow import load

DATA = "live"  # of a run folder, where nothing else is said


class Kept(NamedTuple):
    """Where observations are kept, and for how long.

    Attributes:
        data: a folder, or the URL of a PostgreSQL server; None for a folder of the run.
        days: how long rows are kept once snapshots have seen them; None for ever.
    """

    data: str | None = None
    days: float | None = None


def serve_run(run: Path, kept: Kept, stream: StreamOptions, options: ServeOptions) -> None:
    """Serve the model of a run until a signal asks to stop.

    Raises:
        ArtifactError: there is no model.
        OptionError: the address cannot be listened on, or the keys cannot be read.
        StoreError: another process writes to the data, or they cannot be read.
        InputError: the log holds rows that this model cannot read.
    """
    torch.set_num_threads(1)  # a step is short, and the event loop runs beside it
    model = load(run)
    live = model.live(stream)
    with open_store(kept.data or run / DATA, kept.days) as store:
        engine = Engine(live, store, card_of(model, live, run))
        gc.freeze()  # a full collection walks through all of torch, and reading a long log would set off many
        engine.begin(model.panel)
        serve(build_app(engine, options, page_routes(engine)), engine, options)
