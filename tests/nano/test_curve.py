"""The picture of a training run."""

import json

from lllm.nano.recipe.training.curve import draw, read_curve


def test_a_run_that_went_on_counts_from_where_it_did(tmp_path):
    """A killed run may have told of steps that it then made again, and may end in half a line."""
    lines = [{"step": 25, "loss": 2.0}, {"step": 50, "loss": 1.0}, {"step": 75, "loss": 9.0}]
    lines.append({"step": 75, "right": {"all": 0.9}})
    again = [{"step": 50, "right": {"all": 0.25}}, {"step": 60, "loss": 0.0}]
    file = tmp_path / "curve.jsonl"
    file.write_text("\n".join(map(json.dumps, lines + again)) + '\n{"step": 85, "lo')
    losses, shares = read_curve(file)
    assert losses == [(25, 2.0), (50, 1.0), (60, 0.0)]
    assert shares == [(50, 0.25)]


def test_the_picture_shows_both():
    """A line each, and nothing outside of the frame, whatever the loss is."""
    picture = draw([(1, 40.0), (50, 0.3), (100, 0.0)], [(100, 0.5)])
    assert 'points="62.1,28.0 360.0,156.0 664.0,284.0" fill="none" stroke="#c2410c"' in picture
    assert 'points="664.0,156.0" fill="none" stroke="#1d4ed8"' in picture
    for words in (">0.03<", ">0.3<", ">50%<", ">100<"):
        assert words in picture
    assert 'fill="#c2410c">loss, nats a token<' in picture
