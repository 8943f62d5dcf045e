"""The first thing that a report says."""

import pytest

from gan_jax.evaluation.answer import answer
from gan_jax.evaluation.summary import rounded


def figures(power: float | None = 0.9, **verdicts: str) -> dict:
    names = {
        "fade": "cross-fade",
        "early": "the early works",
        "late": "the late works",
        "both": "both, mixed",
        "other": "baseline, our search",
    }
    found = {key: "nearer" for key in names} | verdicts
    return {
        "spans": {"early": "1880 to 1883", "between": "1884 to 1886", "late": "1887 to 1889"},
        "sets": {"between": 108},
        "middle": {"year": 1885.4},
        "verdicts": [
            {
                "name": names[key],
                "verdict": said,
                "power": power,
                "could_not_be_shown": said == "undecided" and power < 0.5,
                "difference": {"reason": None if said else "3 pairs, 8 are needed"},
            }
            for key, said in found.items()
        ],
    }


def test_a_yes_is_one_beside_everything_that_needs_no_network():
    said = answer(figures(other="further"))
    assert (
        said["asked"]
        == "A network has seen paintings of 1880 to 1883 and of 1887 to 1889 alone. Does it paint what was painted in between?"
    )
    assert said["found"] == (
        "Yes. By colour and brushwork, its images for about 1885 are nearer to the real paintings of those years than a cross-fade of the "
        "paintings and than the early and the late paintings, alone or mixed."
    )
    assert "wrong in at most one study of forty" in said["sure"] and "nearer in 9 of 10 tries" in said["sure"]
    assert said["compared"].startswith("Compared with 108 real paintings of 1884 to 1886, which it never saw")


@pytest.mark.parametrize(
    ("verdicts", "power", "begins"),
    [
        ({"fade": "undecided"}, 0.9, "In part. "),
        ({"fade": "further"}, 0.1, "In part. "),
        (dict.fromkeys(("fade", "early", "late", "both"), "further"), 0.9, "No. "),
        (dict.fromkeys(("fade", "early", "late", "both"), "undecided"), 0.9, "Not as far as can be shown. "),
        (dict.fromkeys(("fade", "early", "late", "both"), "undecided"), 0.1, "That could not have been shown with a study of this size. "),
        (dict.fromkeys(("fade", "early", "late", "both"), None), None, "That can't be said: 3 pairs, 8 are needed."),
    ],
)
def test_other_answers(verdicts, power, begins):
    said = answer(figures(power, **verdicts))
    assert said["found"].startswith(begins)
    assert ("wrong in at most" in said["sure"]) == (
        "nearer" in verdicts.values() or "further" in verdicts.values() or begins == "In part. "
    )


def test_every_name_is_in_one_clause():
    found = answer(figures(0.9, fade="further", early="undecided"))["found"]
    assert found == (
        "In part. By colour and brushwork, its images for about 1885 are nearer to the real paintings of those years than the late "
        "paintings and the early and late paintings mixed; further from them than the cross-fade; neither nearer to them nor further than "
        "the early paintings, "
        "as far as can be shown."
    )


def test_figures_are_rounded_to_what_they_can_tell():
    assert rounded(-0.0142, 1.58) == "0" and rounded(0.42, 1.58) == "0.4" and rounded(1.58, 1.58) == "1.6"
    assert rounded(68.2, 18.0) == "68" and rounded(0.0123, 0.0987) == "0.012" and rounded(0.004, 1.58) == "0"
