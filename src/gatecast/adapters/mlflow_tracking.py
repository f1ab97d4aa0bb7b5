"""`autolog`: each fit of this process as a run of MLflow's.

A run begins once the table is read and the settings are settled, so a fit that is refused leaves none.  Steps go out in
batches, for a message each would take longer than the step.  Scores, report and model come when all of them are there.
"""

import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import mlflow
import msgspec
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from gatecast import __version__
from gatecast.data.columns import Guess
from gatecast.errors import InputError
from gatecast.evaluation.results import Metrics, metrics_to_json
from gatecast.training.config import TrainingConfig
from gatecast.training.loop import StepRecord
from gatecast.workflow import Evaluation, Model
from gatecast.workflow.following import Begun, Ended
from gatecast.workflow.listening import Look
from gatecast.workflow.options import flatten
from gatecast.workflow.runs import METRICS, REPORT

TAKEN = "gatecast.version"  # the tag of a run that has a fit
MOST_PARAMS, MOST_LETTERS = 100, 500  # of one message, of one parameter
STEPS = 100  # of one message
SCORES = ("mase", "rmse", "mae", "smape", "pinball", "coverage", "interval_score", "msis")


@final
class Tracker:
    """Follows fits, and has a run for each of them.

    Args:
        log_model: logs a model to the active run; None where models are not wanted.
        reports: whether reports are.
    """

    def __init__(self, log_model: Callable[[Model], object] | None, *, reports: bool) -> None:
        self._log_model, self._reports = log_model, reports

    @contextmanager
    def __call__(self, begun: Begun) -> Iterator["TrackedFit"]:
        """The active run, unless that has a fit already; else a new one, which ends as the fit ends."""
        fit = TrackedFit(begun, self._log_model, reports=self._reports)
        try:
            yield fit
        except BaseException as error:
            fit.close("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
            raise
        fit.close("FINISHED")


@final
class TrackedFit:
    """One fit, told to one run.  What MLflow says no with is warned of, once, and the fit goes on untold."""

    def __init__(self, begun: Begun, log_model: Callable[[Model], object] | None, *, reports: bool) -> None:
        self._begun, self._log_model, self._reports = begun, log_model, reports
        self._client: mlflow.MlflowClient
        self._waiting = list[Metric]()
        self._run, self._is_own, self._is_lost = "", False, False
        self._attempt(self._begin)

    def guessed(self, guesses: Sequence[Guess]) -> None:
        """They are parameters already."""

    def stage(self, text: str) -> None:
        """Nothing that a run keeps."""

    def training(self, config: TrainingConfig, first_step: int) -> AbstractContextManager[None]:  # noqa: ARG002
        """A run is longer than its training."""
        return nullcontext()

    def step(self, record: StepRecord) -> None:
        """Keep the losses of a step until there are enough of them to be sent."""
        self._waiting += _metrics(
            {
                "loss": record.loss,
                "validation": record.validation,
                "learning_rate": record.learning_rate,
                "gradient_norm": record.gradient_norm,
            },
            record.step,
        )
        if record.step % STEPS == 0:
            self._attempt(self._send)

    def looked(self, look: Look) -> None:
        """The step has told its loss."""

    def ended(self, ended: Ended) -> None:
        """Send the scores, the report and the model."""
        self._attempt(self._send)
        evaluation = _scored(ended)
        if evaluation is not None:
            self._attempt(lambda: self._send_scores(evaluation))
        self._attempt(lambda: self._client.set_tag(self._run, "gatecast.stopped", str(ended.stopped).lower()))
        if self._log_model is not None:
            log_model = self._log_model
            self._attempt(lambda: log_model(ended.model))

    def close(self, status: str) -> None:
        """Send what is left of the steps, and end the run where it is the fit's own."""
        self._attempt(self._send)
        self._is_lost = False  # a run that was begun is not left open for want of an earlier message
        if self._is_own:
            self._attempt(lambda: mlflow.end_run(status))

    def _attempt(self, call: Callable[[], object]) -> None:
        if self._is_lost:
            return
        try:
            call()
        except (MlflowException, OSError) as error:
            self._is_lost = True
            warnings.warn(
                f"MLflow at {mlflow.get_tracking_uri()} could not be told of this fit: {error}. The fit goes on, and "
                f"its run lacks what comes now. See that the server is there, or gatecast.adapters.mlflow.autolog("
                f"disable=True).",
                stacklevel=2,
            )

    def _begin(self) -> None:
        self._client = mlflow.MlflowClient()
        active = mlflow.active_run()
        taken = active is not None and TAKEN in self._client.get_run(active.info.run_id).data.tags
        if active is None or taken:
            active = mlflow.start_run(nested=taken)
            self._is_own = True
        self._run = active.info.run_id
        params = [Param(name, value) for name, value in parameters(self._begun).items()]
        for first in range(0, len(params), MOST_PARAMS):
            self._client.log_batch(self._run, params=params[first : first + MOST_PARAMS])
        tags = {TAKEN: __version__} | {f"gatecast.data.{name}": value for name, value in self._begun.data.items()}
        self._client.log_batch(self._run, tags=[RunTag(name, value) for name, value in tags.items()])

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._client.log_batch(self._run, metrics=waiting)

    def _send_scores(self, evaluation: Evaluation) -> None:
        metrics = evaluation.metrics
        tags = [RunTag("gatecast.verdict", metrics.verdict.text)]
        self._client.log_batch(self._run, metrics=_metrics(scores(metrics), 0), tags=tags)
        self._client.log_text(self._run, metrics_to_json(metrics).decode(), METRICS)
        if not self._reports:
            return
        with TemporaryDirectory() as folder:
            written = self._begun.out / REPORT if self._begun.out is not None else None
            report = written if written is not None else evaluation.report(Path(folder) / REPORT)
            self._client.log_artifact(self._run, str(report))


def _scored(ended: Ended) -> Evaluation | None:
    """The scores of the fit; made now where it had no run folder; None where nothing can be scored."""
    if ended.evaluation is not None:
        return ended.evaluation
    try:
        return ended.model.backtest()
    except InputError:
        return None


def _metrics(values: dict[str, float | None], step: int) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in values.items() if value is not None]


def scores(metrics: Metrics) -> dict[str, float | None]:
    """The net's scores by their names, those of every baseline as `naive/mase`, and how far the net is ahead."""
    net, *others = metrics.scores
    found = {name: getattr(net, name) for name in SCORES}
    found |= {f"{other.model}/{name}": getattr(other, name) for other in others for name in SCORES}
    return found | {"skill": metrics.verdict.skill, "p_value": metrics.verdict.p_value}


def parameters(begun: Begun) -> dict[str, str]:
    """Every setting that has a value, as it was asked or else settled; and what was guessed, as `guessed.frequency`."""
    settled = flatten(msgspec.to_builtins(begun.config))
    settled |= {"season": begun.season, "base_season": begun.config.season}
    said = {}
    for name, asked in flatten(msgspec.to_builtins(begun.options)).items():
        value = settled.get(name) if asked is None else asked
        if value not in (None, (), []):
            said[name] = _shown(value)
    for guess in begun.guesses:
        name = f"guessed.{_name(guess.what)}"
        said[name] = _shown(f"{said[name]}, {guess.value}" if name in said else guess.value)
    return said


def _shown(value: object) -> str:
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


def _name(what: str) -> str:
    """A name that MLflow takes; what was guessed may be called by a column."""
    return re.sub(r"[^\w .:/-]", "_", what)[:200]
