"""The exports of graphs, ONNX and torch.export: run as they will be, and held to the model, before they are kept."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.export import ExportedProgram

from gatecast.errors import ArtifactError, GatecastError, MissingExtraError
from gatecast.exporting.facts import as_json
from gatecast.exporting.graph import Machine
from gatecast.exporting.graph_facts import graph_facts
from gatecast.exporting.graphs import Arrays, Run, checked, machine_of, traced
from gatecast.workflow.model import Model

MODEL = "model.json"
NAMES = ("step", "sequence")
PRODUCER = "gatecast"
BEFORE = "export."  # of a name until the graph is done


def onnx_files(model: Model) -> dict[str, bytes]:
    """step.onnx, sequence.onnx and model.json, once onnxruntime says with them what the model says.

    Raises:
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
        ArtifactError: they say something else, or torch cannot trace the net.
    """
    _check_installed()
    machine = machine_of(model)
    graphs = onnx_graphs(machine)
    runs = [onnx_run(graph.SerializeToString()) for graph in graphs.values()]
    facts = graph_facts(model, machine, checked(model, machine, *runs))
    for name, graph in graphs.items():
        _describe(graph, facts | {"graph": name})
    return {f"{name}.onnx": graph.SerializeToString() for name, graph in graphs.items()} | {MODEL: as_json(facts)}


def onnx_graphs(machine: Machine) -> dict[str, Any]:
    """The graphs of one row and of a sequence as onnx has them, not checked yet."""
    with _quietly(), _told():
        return {name: _onnx_of(machine, traced(machine, sequence=name == "sequence")) for name in NAMES}


def torch_files(model: Model) -> dict[str, bytes]:
    """step.pt2, sequence.pt2 and model.json, once the programs, read back, say what the model says.

    Raises:
        ArtifactError: they say something else, or torch cannot trace the net.
    """
    machine, files = machine_of(model), dict[str, bytes]()
    with _quietly(), _told():
        for name in NAMES:
            file = io.BytesIO()
            torch.export.save(traced(machine, sequence=name == "sequence"), file)
            files[f"{name}.pt2"] = file.getvalue()
        runs = [torch_run(torch.export.load(io.BytesIO(data))) for data in files.values()]
        facts = graph_facts(model, machine, checked(model, machine, *runs))
    return files | {MODEL: as_json(facts)}


def _check_installed() -> None:
    for package in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(package)
        except ModuleNotFoundError as error:
            raise MissingExtraError(package, "onnx", "an export to ONNX") from error


def _onnx_of(machine: Machine, program: ExportedProgram) -> Any:  # noqa: ANN401 - of a package that may be missing
    """The graph as onnx has it, its inputs and outputs by their names."""
    given = [*machine.inputs(), *(f"state.{name}" for name in machine.first_state())]
    said = ["mean", *(["quantiles"] if machine.says_quantiles else [])]
    outputs = [*said, *(f"next.{name}" for name in machine.first_state())]
    own = {BEFORE + name: name for name in (*given, *outputs)}  # the graph may call what lies within it alike
    asked, said = ([BEFORE + name for name in names] for names in (given, outputs))
    made = torch.onnx.export(program, dynamo=True, verbose=False, input_names=asked, output_names=said)
    assert made is not None  # noqa: S101 - it hands the graph out where no file is named
    graph = made.model_proto
    _without_unused(graph.graph)
    _rename(graph.graph, {name: f"{name}_within" for name in own.values()} | own)
    return graph


def _rename(graph: Any, names: dict[str, str]) -> None:  # noqa: ANN401
    """Give values other names, in loops too."""
    for each in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        each.name = names.get(each.name, each.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, names)


def _without_unused(graph: Any) -> set[str]:  # noqa: ANN401
    """Take out constants that no node reads, of which runtimes would warn; the names that are read, in loops too."""
    used = {output.name for output in graph.output}
    for node in graph.node:
        used.update(node.input)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                used |= _without_unused(attribute.g)
    kept = [each for each in graph.initializer if each.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return used


def _describe(graph: Any, facts: dict[str, Any]) -> None:  # noqa: ANN401
    """Say inside the file what the model is."""
    import onnx  # noqa: PLC0415 - an extra

    graph.producer_name, graph.producer_version = PRODUCER, facts["gatecast"]
    columns = facts["columns"]
    told = {
        "gatecast": facts["gatecast"],
        "weights_sha256": facts["weights_sha256"],
        "graph": facts["graph"],
        "target": ", ".join(columns["target"]),
        "channels": ", ".join(facts["channels"]),
        "horizon": str(facts["sizes"]["horizon"]),
        "quantiles": " ".join(f"{level:g}" for level in facts["levels"]),
        "scaling": f"{facts['config']['scaler']}; each series by its own, in model",
        "model": as_json(facts).decode(),
    }
    onnx.helper.set_model_props(graph, told)


def onnx_run(data: bytes) -> Run:
    """The graph by onnxruntime."""
    import onnxruntime  # noqa: PLC0415 - an extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = 1, 1, 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda given: dict(zip(names, session.run(None, given), strict=True))


def torch_run(program: ExportedProgram) -> Run:
    """The program by torch."""
    module = program.module()

    def run(given: Arrays) -> Arrays:
        with torch.inference_mode():
            found = module({name: torch.from_numpy(each) for name, each in given.items()})
        return {name: each.numpy() for name, each in found.items()}

    return run


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what torch tells its own developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextmanager
def _told() -> Iterator[None]:
    """What torch cannot trace is told in one line."""
    try:
        yield
    except GatecastError:
        raise
    except (RuntimeError, TypeError, ValueError, AssertionError, NotImplementedError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ArtifactError(
            f"torch {torch.__version__} cannot trace this net: {why[:200]}. Try to=numpy, which traces nothing; nothing"
            f" was written."
        ) from error
