"""What is counted of a study before it is done is what it then does."""

import pytest
from test_study import done_again, study  # noqa: F401
from tiny import tiny_config

from gan_jax import demo_config
from gan_jax.collection import collection as collections
from gan_jax.forecast import counts, estimates
from gan_jax.forecast.counts import Paintings
from gan_jax.forecast.rehearsal import Rehearsal
from gan_jax.models.generator import Generator
from gan_jax.study import Study
from gan_jax.training import schedule

PAINTINGS = Paintings(total=360, early=140, late=110, pairs=109)


@pytest.mark.parametrize("paintings, first, last", [(100, 1880.0, 1890.0), (60, 1882.0, 1890.0), (60, 1880.0, 1895.0)])
def test_the_periods_of_the_painter_are_told_before_anything_is_painted(paintings, first, last):
    section = tiny_config().collection
    section.painter.update(paintings=paintings, first_year=first, last_year=last)
    told, made = Paintings.of_painter(section, tiny_config().morphing), collections.prepare(section)
    assert told.total == len(made.paintings) == paintings
    assert told.early == pytest.approx(len(made.period("early")), abs=2) and told.late == pytest.approx(len(made.period("late")), abs=2)
    assert told.pairs == min(told.early, told.late)


def test_pairs_of_a_collection_that_is_there_are_counted():
    config = tiny_config()
    made = collections.prepare(config.collection)
    early, late = len(made.period("early")), len(made.period("late"))
    config.morphing.update(max_distance=1.0)
    assert Paintings.of(made, config.morphing) == Paintings(48, early, late, min(early, late))
    config.morphing.assignment = "many-to-one"
    assert Paintings.of(made, config.morphing).pairs == early
    told = Paintings.of_painter(config.collection, config.morphing)
    assert told.pairs == told.early > told.late


SIZES = dict(batch_size=lambda resolution: 160 // resolution, learning_rate=lambda resolution: 1.0)
GROWN = schedule.growing(resolution=16, first_resolution=8, total_kimg=1.2, stable_kimg=0.3, fade_kimg=0.2, **SIZES)


@pytest.mark.parametrize("seen", [0, 100, 300, 450, GROWN[-1].end])
def test_steps_are_those_that_a_loop_takes(seen):
    taken, at = 0, seen
    for phase in GROWN:
        while phase.start <= at < phase.end:
            at, taken = at + phase.batch_size, taken + 1
    assert counts.steps(GROWN, seen) == taken


def test_a_level_waits_for_its_program_where_those_before_train_for_less_long():
    assert counts.waits([5.0], [20.0]) == [20.0]
    # The second is compiled 30 seconds after the beginning, the first trained from 20 to 120; the third is compiled at 150, after 125.
    assert counts.waits([100.0, 5.0, 1.0], [20.0, 10.0, 120.0]) == [20.0, 0.0, 25.0]


@pytest.mark.parametrize("seen, every, times", [(0, 0.1, 7), (0, 0.25, 3), (760, 0.25, 2), (0, 0.0, 1), (0, 5.0, 1)])
def test_looks_come_with_the_checkpoints_of_grown_networks(seen, every, times):
    # Grown from 500 images on; 1,200 in all.
    training = demo_config.get_config().training
    training.update(checkpoint_every_kimg=every, checkpoint_every_minutes=0.0)
    assert [phase.end for phase in GROWN] == [300, 500, 1200]
    assert counts.looks(GROWN, training, seen, 1e6) == times


def test_looks_come_by_the_clock_too():
    training = demo_config.get_config().training
    training.update(checkpoint_every_kimg=0.0, checkpoint_every_minutes=10.0)
    whole = schedule.constant(resolution=16, total_kimg=1.6, batch_size=16, learning_rate=1.0)
    assert counts.looks(whole, training, 0, 3600.0) == 1 + 6
    training.watch_images = 0
    assert counts.looks(whole, training, 0, 3600.0) == 0


def test_paintings_with_latents_of_their_own_are_not_searched():
    config = demo_config.get_config()
    config.inversion.update(restarts=2, calibration=32)
    assert counts.searches(config, PAINTINGS) == 0
    config.training.period = "late"
    assert counts.searches(config, PAINTINGS) == 2 * (140 + 32)
    config.training.paintings = 0.0
    assert counts.searches(config, PAINTINGS) == 2 * (250 + 32)


def test_the_generator_is_tuned_to_four_pairs_at_a_time_and_to_the_stations():
    config = demo_config.get_config()
    assert counts.tuning_groups(config, PAINTINGS) == 28 + 1
    config.morphing.stations, config.tuning.pairs = 0, 1
    assert counts.tuning_groups(config, PAINTINGS) == 109
    assert (counts.rounds(29, 4), counts.rounds(28, 4), counts.rounds(0, 4)) == (8, 7, 0)


def test_what_frames_are_put_beside():
    config = demo_config.get_config()
    # Of all pairs a cross-fade, and samples of the same year.
    assert counts.judged(config, PAINTINGS) == 360 + 512 + 109 * 17 * 3
    config.model.year = False
    config.baseline.generator = "another"
    # Of 24 pairs both ways of the baseline, the study and the cross-fade.
    assert counts.judged(config, PAINTINGS) == 360 + 512 + (109 * 2 + 24 * 4) * 17
    config.baseline.update(tutorial=False, frames="given", pairs=0)
    assert counts.judged(config, PAINTINGS) == 360 + 512 + 109 * 17 * 4


@pytest.fixture(scope="module")
def made(study):  # noqa: F811
    """A finished study whose samples and morphs are made again: its config, its workdir, and how many images each stage painted."""
    config, workdir = study
    config.sampling.update(walk=2, truncation=0.9)
    config.tuning.update(pairs=3, steps=1)
    config.morphing.update(formats=("gif",), films=0)
    painted, images = [], Generator.images

    def counted(self, latents, *given, **named):
        painted.append(len(latents))
        return images(self, latents, *given, **named)

    again, found = Study(config, workdir), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Generator, "images", counted)
        for name in ("sample", "morph"):
            painted.clear()
            assert done_again({name: again.run(name)}) == [name]
            found[name] = sum(painted)
    return config, workdir, found


def test_a_study_paints_what_was_counted(made):
    config, _, painted = made
    paintings = Paintings.of(collections.prepare(config.collection), config.morphing)
    assert painted["sample"] == counts.samples(config)
    assert painted["morph"] == paintings.pairs * config.morphing.frames + counts.beside_the_pairs(config, paintings)


def test_a_baseline_that_is_named_is_timed_with_its_own_generator(made):
    config, workdir, _ = made
    config = config.copy_and_resolve_references()
    config.baseline.update(generator=str(workdir), tutorial_steps=7)
    paintings = Paintings(total=48, early=70, late=60, pairs=60)
    parts = {part.what: part.count for part in estimates.baseline(Rehearsal(config, paintings))}
    # The 48 paintings of 24 pairs are searched from 2 starts, 4 steps each, at once, the published way in one batch; both are morphed.
    assert parts["search steps of 96 latents, at most"] == 4 and parts["steps of the published search"] == 7
    assert parts["frames of 48 pairs"] == 48 * config.morphing.frames
