"""What is done to a model folder, by the words that stand in the book."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from model_makers import Tree, alter, closed, opened, put_weights, rewrite, saved, tensors_of
from safetensors.torch import save as save_tensors

from gatecast.artifact import MANIFEST, WEIGHTS

Abuse = Callable[[Path], object]


class Bomb:
    """Unpickling it creates a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


def _bytes_of(kind: str, bomb: Bomb) -> bytes:
    """A file that runs code when it is loaded as such files usually are."""
    buffer = io.BytesIO()
    if kind == "torch.save":
        torch.save(bomb, buffer)
    elif kind == "a zip as torch writes":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps(bomb))
    elif kind == "numpy.save of objects":
        np.save(buffer, np.array([bomb], dtype=object), allow_pickle=True)
    else:
        buffer.write(pickle.dumps(bomb))
    return buffer.getvalue()


def _armed(kind: str, name: str) -> Abuse:
    def change(folder: Path) -> None:
        data = _bytes_of(kind, Bomb(folder.parent / "canary"))
        put_weights(folder, data) if name == WEIGHTS else (folder / name).write_bytes(data)

    return change


BOMBS: dict[str, Abuse] = {
    f"{name} holds what {kind} wrote of an object that runs code": _armed(kind, name)
    for kind in ("pickle", "torch.save", "a zip as torch writes", "numpy.save of objects")
    for name in (WEIGHTS, MANIFEST)
}


def _instead(name: str, make: Callable[[Path], object]) -> Abuse:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def _grown(name: str) -> Abuse:
    def change(folder: Path) -> None:
        os.truncate(folder / name, 2**40)  # sparse: nobody has the disk or the memory for it

    return change


FILES: dict[str, Abuse] = {
    f"{name} {told}": make
    for name in (MANIFEST, WEIGHTS)
    for told, make in {
        "is not there": lambda folder, name=name: (folder / name).unlink(),
        "is a folder": _instead(name, Path.mkdir),
        "is a pipe that nobody writes to": _instead(name, os.mkfifo),
        "is a link to /dev/zero": _instead(name, lambda path: path.symlink_to("/dev/zero")),
        "is a link to itself": _instead(name, lambda path: path.symlink_to(path)),
        "is a link to a folder": _instead(name, lambda path: path.symlink_to(path.parent)),
        "has a terabyte": _grown(name),
        "is empty": lambda folder, name=name: (folder / name).write_bytes(b""),
    }.items()
} | {"the folder is empty": lambda folder: [path.unlink() for path in folder.iterdir()]}


def _swapped(name: str, seed: int = 1) -> Abuse:
    def change(folder: Path) -> None:
        other = saved(folder.parent, seed=seed)
        (folder / name).write_bytes((other / name).read_bytes())

    return change


def _edited(folder: Path) -> None:
    raw = (folder / MANIFEST).read_bytes()
    (folder / MANIFEST).write_bytes(raw.replace(b'"season": 12', b'"season": 13', 1))


ACCIDENTS: dict[str, Abuse] = {
    "the weights of another model of the same shape": _swapped(WEIGHTS),
    "the manifest of another model of the same shape": _swapped(MANIFEST),
    "a number in the manifest is changed by hand": _edited,
}


def _header(change: Callable[[Tree, bytes], bytes | Tree]) -> Abuse:
    """The header of the weights, altered; sizes and sums are made to fit."""

    def altered(folder: Path) -> None:
        header, body = opened((folder / WEIGHTS).read_bytes())
        put_weights(folder, closed(change(header, body), body))

    return altered


def _one(**facts: Any) -> Abuse:
    """Other facts of one tensor."""
    return _header(lambda header, _: header | {BIAS: header[BIAS] | facts})


def _more(**facts: Any) -> Abuse:
    """One tensor more, of no bytes."""
    return _header(lambda header, body: header | {"more": {"data_offsets": [len(body)] * 2} | facts})


def _length(size: int) -> Abuse:
    def change(folder: Path) -> None:
        put_weights(folder, size.to_bytes(8, "little") + (folder / WEIGHTS).read_bytes()[8:])

    return change


def _twice(header: Tree, _: bytes) -> bytes:
    text = json.dumps(header).encode()
    return text.replace(b"{", b'{"%s": %s, ' % (BIAS.encode(), json.dumps(header[BIAS]).encode()), 1)


def _overlapping(header: Tree, _: bytes) -> Tree:
    return header | {OTHER: header[OTHER] | {"data_offsets": [0, 4 * 96]}}


def _with_gap(folder: Path) -> None:
    header, body = opened((folder / WEIGHTS).read_bytes())
    put_weights(folder, closed(header, body + bytes(8)))


BIAS, OTHER = "decoder.context.bias", "decoder.context.weight"
HEADERS: dict[str, Abuse] = {
    "the header names a tensor twice": _header(_twice),
    "two tensors overlap": _header(_overlapping),
    "bytes that no tensor has": _with_gap,
    "a tensor that reaches beyond the file": _one(data_offsets=[0, 2**40]),
    "a tensor that ends before it begins": _one(data_offsets=[384, 0]),
    "a tensor at a negative place": _one(data_offsets=[-384, 0]),
    "a tensor at half a byte": _one(data_offsets=[0.5, 384]),
    "a negative shape": _one(shape=[-1, -96]),
    "a shape that does not fill its place": _one(shape=[95]),
    "a shape in words": _one(shape="96"),
    "an empty tensor of shape 2^60 x 0": _more(dtype="F32", shape=[2**60, 0]),
    "an empty tensor of shape 2^63 x 0": _more(dtype="F32", shape=[2**63, 0]),
    "a shape whose bytes overflow 64 bits": _more(dtype="F64", shape=[2**32, 2**32]),
    "a shape of a thousand dimensions": _more(dtype="F32", shape=[1] * 999 + [0]),
    "a type that torch does not have (F8_E8M0)": _more(dtype="F8_E8M0", shape=[0]),
    "a type of four bits": _more(dtype="F4", shape=[0]),
    "a type that is a number": _one(dtype=7),
    "a tensor of half the precision": _one(dtype="F16", shape=[192]),
    "a name with a zero byte": _header(lambda header, _: {"a\0b": header.pop(BIAS)} | header),
    "a name with a terminal's escape": _header(lambda header, _: {"\x1b[2J": header.pop(BIAS)} | header),
    "a name that is a path": _header(lambda header, _: {"../../etc/passwd": header.pop(BIAS)} | header),
    "a name that differs by its capitals": _header(lambda header, _: {BIAS.title(): header.pop(BIAS)} | header),
    "a name of a million letters": _header(lambda header, _: {"a" * 10**6: header.pop(BIAS)} | header),
    "a header of length 2^63": _length(2**63),
    "a header of length 0": _length(0),
    "a header longer than the file": _length(10**6),
    "a header that ends in its middle": _length(64),
    "a header of three megabytes": _header(lambda header, _: header | {"__metadata__": {"a": "b" * (3 << 20)}}),
    "a header that is no text": _header(lambda _, __: b"\xff" * 64),
    "a header that is a list": _header(lambda _, __: b"[]"),
    "a header that is nested a hundred thousand deep": _header(lambda _, __: b'{"a":' * 10**5),
    "a header without tensors, and no bytes": lambda folder: put_weights(folder, closed({}, b"")),
    "notes in the header that are no text": _header(lambda header, _: header | {"__metadata__": {"a": 1}}),
}


def _tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Abuse:
    """The tensors, altered and written as safetensors writes them."""

    def altered(folder: Path) -> None:
        tensors = tensors_of(folder)
        change(tensors)
        put_weights(folder, save_tensors(tensors))

    return altered


def _poisoned(value: float) -> Abuse:
    return _tensors(lambda tensors: tensors["encoder.layer.weight_hh_l0"].__setitem__((1, 2), value))


TENSORS: dict[str, Abuse] = {
    "a weight that is NaN": _poisoned(float("nan")),
    "a weight that is infinite": _poisoned(float("inf")),
    "a weight that is infinite below": _poisoned(float("-inf")),
    "a tensor of another shape": _tensors(lambda tensors: tensors.update({BIAS: torch.zeros(3)})),
    "a matrix on its side": _tensors(lambda tensors: tensors.update({OTHER: tensors[OTHER].T.contiguous()})),
    "a tensor of twice the precision": _tensors(lambda tensors: tensors.update({BIAS: tensors[BIAS].double()})),
    "a tensor of whole numbers": _tensors(lambda tensors: tensors.update({BIAS: tensors[BIAS].int()})),
    "a tensor too few": _tensors(lambda tensors: tensors.pop(BIAS)),
    "a tensor too many": _tensors(lambda tensors: tensors.update({"more": torch.zeros(1)})),
}


def put(tree: Tree, value: object, *keys: str | int) -> None:
    """Set one value deep in a tree."""
    for key in keys[:-1]:
        tree = tree[key]  # type: ignore[index]  # lists have numbers for keys
    tree[keys[-1]] = value  # type: ignore[index]


def _lie(value: object, *keys: str | int) -> Abuse:
    """One value of the manifest, which is sealed anew."""
    return lambda folder: alter(folder, lambda tree: put(tree, value, *keys))


def _text(old: bytes, new: bytes) -> Abuse:
    """Some bytes of the manifest, which is sealed anew."""
    return lambda folder: rewrite(folder, (folder / MANIFEST).read_bytes().replace(old, new, 1))


def _raw(data: bytes) -> Abuse:
    return lambda folder: (folder / MANIFEST).write_bytes(data)


NET, LAYER = ("config", "network"), ("config", "network", "layer")
MANIFESTS: dict[str, Abuse] = {
    "a manifest of a newer schema": _lie(2, "schema"),
    "a manifest of an older schema": _lie(0, "schema"),
    "a schema in words": _lie("1", "schema"),
    "a manifest that is a list": _raw(b"[]"),
    "a manifest that is no text": _raw(b"\xff\xfe"),
    "a manifest nested a million deep, in lists": _raw(b"[" * 10**6),
    "a manifest nested a million deep, in objects": _raw(b'{"a":' * 10**6),
    "a key that is not known": _lie("rm -rf /", "run"),
    "a key that is missing": lambda folder: alter(folder, lambda tree: tree.pop("scale")),
    "a key that stands there twice": _text(b'"horizon": 6,', b'"horizon": 5, "horizon": 6,'),
    "half a character in a name": _text(b'"y"', b'"\\ud800"'),
    "an empty seal": _lie("", "seal"),
    "a cell that is the name of a function": _lie("os.system", *LAYER, "cell"),
    "an unknown scaler": _lie("log", "config", "scaler"),
    "a negative horizon": _lie(-1, "config", "horizon"),
    "a scale of zero": _lie(0.0, "scale", 0, 0),
    "a negative scale": _lie(-2.0, "scale", 1, 1),
    "a scale of 1e999": _text(b'"scale": [', b'"scale": [[1e999],'),
    "a centre that is NaN": _text(b'"centre": [', b'"centre": [[NaN],'),
    "a centre beyond the numbers of 32 bits": _lie(1e308, "centre", 0, 0),
    "a scale too few": lambda folder: alter(folder, lambda tree: tree["scale"].pop()),
    "scales of unlike length": lambda folder: alter(folder, lambda tree: tree["scale"][0].pop()),
    "a series too few": lambda folder: alter(folder, lambda tree: tree["ids"].pop()),
    "no series": lambda folder: alter(folder, lambda tree: tree.update(ids=[], scale=[], centre=[])),
    "a series twice": _lie(["s0", "s0"], "ids"),
    "a covariate too few": _lie([], "columns", "past"),
    "a column with two parts": _lie(["y"], "columns", "past"),
    "a time put together from a column that is no part of one": _lie(["x"], "columns", "time_parts"),
    "holidays of no country": _lie("../../etc", "columns", "holidays"),
    "a step of zero hours": _lie(0, "frequency", "multiple"),
    "scores of a season of no rows": _lie(0, "about", "season"),
    "a last row seen that is no time": _lie("yesterday", "about", "seen_until"),
    "a calibration of another horizon": _lie({"levels": [0.5], "offsets": [[[0.0]]]}, "calibration"),
    "hidden_size of a billion": _lie(10**9, *LAYER, "hidden_size"),
    "65,536 units in each of 64 layers": lambda folder: alter(
        folder, lambda tree: tree["config"]["network"]["layer"].update(hidden_size=65_536, num_layers=64)
    ),
    "a million layers": _lie(10**6, *LAYER, "num_layers"),
    "a billion nets in an ensemble": _lie(10**9, *NET, "ensemble"),
    "embeddings of 2^62 numbers": _lie(2**62, *NET, "embedding"),
    "a lookback of a billion rows": _lie(10**9, "config", "lookback"),
    "a horizon of a billion rows": _lie(10**9, "config", "horizon"),
    "a horizon that memory could hold": _lie(2_000_000, "config", "horizon"),
    "a horizon past 64 bits": _lie(10**30, "config", "horizon"),
    "a season of 10^18 rows": lambda folder: alter(
        folder, lambda tree: tree["config"].update(season=10**18, subtract="seasonal")
    ),
    "a quarter of a million quantiles": _lie([k / 2**18 for k in range(1, 2**18)], *NET, "quantiles"),
    "45 MiB of empty lists where the options stand": _text(b'"asked": {}', b'"asked": [' + b"[]," * (15 << 20) + b"1]"),
    "45 MiB of versions": _text(b'"versions": {', b'"versions": {' + b",".join(b'"%d":""' % k for k in range(7 << 19))),
    "six million names of series": _text(b'"ids": [', b'"ids": [' + b'"ab",' * 6_000_000),
}
