"""The GRU from its equations: equal to torch's, and able to learn a text by heart."""

import math
import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import matplotlib.image
import numpy as np
import pytest
import torch

from example_scripts import Example

EXAMPLE = Example("gru_from_equations")


example = EXAMPLE.load()


class Small(NamedTuple):
    printed: str
    steps: np.ndarray  # pass, perplexity, norm, clipped norm
    picture: np.ndarray


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    out = tmp_path_factory.mktemp("gru")
    done = EXAMPLE.run("--out", out)
    assert done.returncode == 0, done.stderr
    steps = np.loadtxt(out / "steps.csv", delimiter=",", skiprows=1)
    return Small(done.stdout, steps, matplotlib.image.imread(out / "perplexity.png"))


def numbers(pattern: str, printed: str) -> list[float]:
    found = re.search(pattern, printed)
    assert found, f"{pattern} is not in:\n{printed}"
    return [float(number) for number in found.groups()]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equations_equal_torch_gru_with_copied_weights(dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    p = example.draw(inputs=4, hidden=6, spread=0.7, dtype=dtype)
    x, h = torch.randn(30, 2, 4, dtype=dtype), torch.randn(2, 6, dtype=dtype)
    layer = torch.nn.GRU(4, 6, dtype=dtype)
    for name, values in zip(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), p[:4], strict=True):
        getattr(layer, name).data = values.detach().reshape(getattr(layer, name).shape)
    output, state = layer(x, h[None])
    ours, last = example.gru(p, x, h)
    # The errors of one step are fed to the next: 30 steps of a few roundings each.
    most = 30 * 8 * torch.finfo(dtype).eps
    torch.testing.assert_close(ours, output, rtol=0, atol=most)
    torch.testing.assert_close(last, state[0], rtol=0, atol=most)


def test_printed_difference_tells_the_two_published_forms_apart(small: Small) -> None:
    for dtype, most in (("float64", 1e-14), ("float32", 5e-6)):
        same, other = numbers(
            rf"torch\.{dtype}: .* nn\.GRU (\S+), from nn\.GRU\(reset_after=False\) (\S+)", small.printed
        )
        assert same < most
        assert other > 0.1


def test_parameters_are_drawn_with_a_standard_deviation_of_one_hundredth() -> None:
    torch.manual_seed(0)
    p = example.draw(inputs=40, hidden=64)
    values = torch.cat([each.detach().flatten() for each in p]).double()
    # The standard errors of the mean and of the standard deviation, five of them.
    assert abs(float(values.mean())) < 5 * 0.01 / math.sqrt(len(values))
    assert abs(float(values.std()) - 0.01) < 5 * 0.01 / math.sqrt(2 * len(values))


def test_encoder_gives_steps_batch_hidden_and_layers_batch_hidden() -> None:
    tokens = torch.randint(10, (4, 7))
    output, state = example.encode(tokens, hidden=16, layers=3)
    assert output.shape == (7, 4, 16)
    assert state.shape == (3, 4, 16)
    assert torch.equal(output[-1], state[-1])
    assert not torch.equal(output[-1], state[0])


def test_both_encoder_shapes_are_printed(small: Small) -> None:
    assert "tokens (4, 7) -> output (7, 4, 16), state (2, 4, 16); output[-1] equals state[-1]: True" in small.printed


def test_perplexity_falls_below_one_and_a_half_and_far_below_counting(small: Small) -> None:
    gru, unigram, bigram = numbers(r"text it learnt: GRU (\S+), unigram (\S+), bigram (\S+)\n", small.printed)
    assert gru < 1.5
    assert gru < bigram < unigram
    perplexity = [float(value) for value in re.findall(r"pass +\d+  perplexity +(\S+)", small.printed)]
    assert all(later < earlier for earlier, later in pairwise(perplexity[:5]))
    assert perplexity[0] > unigram
    assert perplexity[-1] < 1.5


def test_first_step_knows_nothing(small: Small) -> None:
    characters = len(set(example.TEXT)) + 1
    assert small.steps[0, 1] == pytest.approx(characters, rel=0.02)


def test_continuation_reproduces_the_text(small: Small) -> None:
    assert example.TEXT in small.printed


def test_clipped_norm_is_never_above_the_limit_and_clipping_happened(small: Small) -> None:
    before, after = small.steps[:, 2], small.steps[:, 3]
    assert before.max() > example.LIMIT
    assert after.max() <= example.LIMIT * (1 + 4 * np.finfo(np.float32).eps)
    short = before < 0.99 * example.LIMIT
    np.testing.assert_array_equal(before[short], after[short])


def test_state_is_carried_from_chunk_to_chunk_without_its_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def predict(p: object, tokens: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        scores, last = original(p, tokens, h)
        seen.append((h, last))
        return scores, last

    original = example.predict
    monkeypatch.setattr(example, "predict", predict)
    example.train(example.draw(5, example.HIDDEN), torch.arange(200) % 5, streams=2, passes=1)
    assert len(seen) == 4  # 99 steps in chunks of 32
    assert not seen[0][0].any()
    for (_, last), (first, _) in pairwise(seen):
        assert torch.equal(first, last)
        assert last.requires_grad
        assert not first.requires_grad


def test_counts_equal_a_slow_loop() -> None:
    torch.manual_seed(1)
    ids, held = torch.randint(4, (300,)), torch.randint(4, (50,))
    learnt, single, pair = ids.tolist(), 0.0, 0.0
    for a, b in pairwise(held.tolist()):
        chance = (learnt.count(b) + 1) / (300 + 4)
        after = [y for x, y in pairwise(learnt) if x == a]
        single -= math.log(chance) / 49
        pair -= math.log((after.count(b) + chance) / (len(after) + 1)) / 49
    found = example.perplexity(example.draw(4, example.HIDDEN), ids, held)
    assert found["unigram"] == pytest.approx(math.exp(single), rel=1e-5)
    assert found["bigram"] == pytest.approx(math.exp(pair), rel=1e-5)


def test_perplexity_equals_a_slow_loop() -> None:
    torch.manual_seed(2)
    p, ids = example.draw(6, example.HIDDEN, spread=0.5), torch.randint(6, (20,))
    h, total = torch.zeros(1, example.HIDDEN), 0.0
    for a, b in pairwise(ids):
        scores, h = example.predict(p, a.view(1, 1), h)
        total -= float(torch.log_softmax(scores[0, 0], dim=0)[b].detach())
    assert example.perplexity(p, ids, ids)["GRU"] == pytest.approx(math.exp(total / 19), rel=1e-5)


def test_picture_is_drawn(small: Small) -> None:
    assert small.picture.shape[1] > 800
    assert len(np.unique(small.picture[..., :3].reshape(-1, 3), axis=0)) > 20


def test_a_file_is_scored_on_its_last_tenth_which_changes_nothing_learnt(tmp_path: Path) -> None:
    text = "".join(chr(97 + (i * i // 7) % 13) for i in range(2000))
    outputs = []
    for name, end in (("as it is", text[1800:]), ("poisoned", "\u2603?" * 100)):
        (tmp_path / "text.txt").write_text(text[:1800] + end, encoding="utf-8")
        done = EXAMPLE.run("--data", tmp_path / "text.txt", "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        outputs.append((done.stdout, (tmp_path / name / "steps.csv").read_bytes()))
    (plain, steps), (poisoned, same_steps) = outputs
    assert steps == same_steps
    pattern = r"last 10 %, never learnt from: GRU (\S+), unigram (\S+), bigram (\S+)\n"
    assert numbers(pattern, plain)[0] < numbers(pattern, poisoned)[0]


@pytest.mark.parametrize("kind", ["missing", "a folder", "binary", "short"])
def test_wrong_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    if kind == "a folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(b"\xff\xfe\x00" if kind == "binary" else b"too short")
    done = EXAMPLE.run("--data", path, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "characters" in done.stderr if kind == "short" else "Give a file of UTF-8 text" in done.stderr
