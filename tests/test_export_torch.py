"""The programs of torch.export forecast what gatecast forecasts; the export runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import gatecast
from export_makers import apart, forecast_of, model_of, panel_of
from gatecast.exporting.graphs import first_arrays, machine_of
from gatecast.exporting.probing import MOST_DIFFERENCE
from gatecast.streaming.calendars import Calendars
from gatecast.streaming.clock import Clock

KIND, ROWS = "windows", 30


def test_a_program_read_back_forecasts_what_the_whole_table_does(tmp_path: Path) -> None:
    model, panel = model_of(KIND), panel_of(KIND)
    gatecast.save(model, tmp_path / "model")
    command = ["export", str(tmp_path / "model"), "--to", "torch"]
    done = subprocess.run([sys.executable, "-m", "gatecast", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("model.json, sequence.pt2, step.pt2 written to ")
    fitted, machine = model.forecaster.fitted_, machine_of(model)
    calendars = Calendars(Clock(fitted.frequency, dated=True), None, machine.config.calendar, machine.shape.calendar)
    times = [int(time.astype("datetime64[us]").astype(int)) for time in panel.times[:ROWS]]
    given = {
        "centre": fitted.scaling.centre,
        "scale": fitted.scaling.scale,
        "values": np.stack([panel.values[panel.rows(series)][:ROWS] for series in range(3)]),
        "calendar": np.repeat(calendars.of(times)[None], 3, axis=0),
        "calendar_ahead": np.repeat(calendars.after(times[-1], 6)[None], 3, axis=0),
    }
    program = torch.export.load(tmp_path / "model" / "export-torch" / "sequence.pt2").module()
    whole = {name: torch.from_numpy(each) for name, each in (given | first_arrays(machine, 3)).items()}
    with torch.no_grad():
        found = program(whole)
    theirs = forecast_of(model, panel, ROWS)
    assert apart(model, found["mean"].numpy(), theirs.mean) <= MOST_DIFFERENCE
    assert apart(model, found["quantiles"].numpy(), theirs.quantiles) <= MOST_DIFFERENCE
