"""A short form of the simulation in tests/false_yes.py: no sentence of the report is often said where it is not true.

At a rate of 2.5 % more than two in 14 rounds are seen in one of two hundred runs; at the rates from before, 35 to 84 %, hardly ever fewer.
"""

import false_yes
import pytest

from gan_jax.evaluation import verdicts

ROUNDS, MOST = 14, 2


@pytest.mark.parametrize("case", [name for name, (*_, right) in false_yes.LATER.items() if not right])
def test_frames_that_do_not_look_later_are_not_said_to(case):
    assert false_yes.rate("later", case, 60, ROUNDS)[0] * ROUNDS <= MOST


def test_frames_that_look_later_are_said_to():
    yes, nothing = false_yes.rate("later", "paintings of the very years", 60, 8)
    assert yes == 1 and nothing == 0


@pytest.mark.parametrize("case", ["new early and late paintings, in turn", "one grey picture"])
def test_frames_that_do_not_lie_between_are_not_said_to(case):
    assert false_yes.rate("between", case, 60, ROUNDS)[0] * ROUNDS <= MOST


def test_frames_that_lie_between_are_said_to():
    assert false_yes.rate("between", "the same, of a painter who changed much", 60, 8)[0] >= 0.75


@pytest.mark.parametrize("case", [name for name, (*_, right) in false_yes.COPIES.items() if not right])
def test_networks_that_copy_nothing_are_not_said_to(case):
    assert false_yes.rate("by heart", case, 60, ROUNDS)[0] * ROUNDS <= MOST


@pytest.mark.parametrize("case", [name for name, (*_, right) in false_yes.COPIES.items() if right])
def test_networks_that_copy_are_said_to(case):
    assert false_yes.rate("by heart", case, 60, 4)[0] == 1


@pytest.mark.parametrize("case", [name for name, (*_, right) in false_yes.NEARER.items() if not right])
def test_frames_that_are_not_nearer_are_not_said_to_be(case, monkeypatch):
    monkeypatch.setattr(verdicts, "ROUNDS", 1)  # how much could be found is not asked here
    assert false_yes.rate("nearer", case, 60, 40)[0] * 40 <= 3


def test_what_could_not_be_shown_is_not_called_no_better():
    """By what the study says of itself: hardly any at 60 paintings, all at 360."""
    assert false_yes.rate("able", "could have been shown, by its own account", 60, 4)[0] <= 0.25
    assert false_yes.rate("able", "the same, of a painter who changed much", 360, 2)[0] == 1
