"""The whole evaluation on the built-in painter, whose true style in every year is known: yes where the truth is yes, and no where a
morph was made wrong on purpose."""

import json

import numpy as np
import pytest

from gan_jax.collection.brushwork import paint
from gan_jax.collection.motif import draw_subject, style_of
from gan_jax.collection.painter import paint_collection
from gan_jax.errors import UserError
from gan_jax.evaluation import chronology
from gan_jax.evaluation import evaluate as room
from gan_jax.evaluation.evaluate import evaluate
from gan_jax.evaluation.inputs import STUDY, Competitors, Paintings
from gan_jax.metrics.features import extractor

SIZE, PAIRS = 32, 40
T = np.linspace(0, 1, 5)
TEXTURE = extractor("texture")
RNG = np.random.default_rng(7)


def painted(years: np.ndarray, seed: int) -> np.ndarray:
    """One picture of each year [n], by the painter, of subjects of their own: uint8 [n, r, r, 3]."""
    hands = [np.random.default_rng([seed, i]) for i in range(len(years))]
    return np.stack([paint(draw_subject(hand), style_of(year), SIZE, hand) for year, hand in zip(years, hands)])


@pytest.fixture(scope="module")
def paintings() -> Paintings:
    rows, images = paint_collection(150, 1880.0, 1890.0, 3, SIZE)
    years = np.array([float(row["date"]) for row in rows])
    periods = ["early" if year < 1884 else "late" if year >= 1887 else "between" for year in years]
    parameters = {name: np.array([float(row[name]) for row in rows]) for name in room.PARAMETERS}
    titles, files = ([row[name] for row in rows] for name in ("title", "file"))
    return Paintings(images, {"texture": TEXTURE(images)}, years, periods, titles, files, parameters)


@pytest.fixture(scope="module")
def morphs(paintings) -> Competitors:
    """What a perfect network would make: pictures painted in the very years that the frames stand for."""
    ends = np.stack([paintings.of("early")[:PAIRS], paintings.of("late")[-PAIRS:]], axis=1)
    years = (1 - T) * paintings.years[ends[:, :1]] + T * paintings.years[ends[:, 1:]]
    frames = painted(years.ravel(), 1).reshape(PAIRS, len(T), SIZE, SIZE, 3)
    shuffled = np.stack([pair[np.random.default_rng(i).permutation(len(T))] for i, pair in enumerate(frames)])
    wrong = {"reversed": frames[:, ::-1], "shuffled": shuffled, "constant": frames[:, :1].repeat(len(T), axis=1),
             "upside down": frames[:, :, ::-1], "grey": np.full_like(frames, 127)}  # fmt: skip
    return Competitors({STUDY: frames, **wrong}, T, years, ends)


@pytest.fixture(scope="module")
def judged(paintings, morphs) -> tuple[dict, dict]:
    generated = painted(np.random.default_rng(0).choice(paintings.years[[*paintings.of("early"), *paintings.of("late")]], 80), 2)
    return evaluate(paintings, generated, morphs, {"texture": TEXTURE}, seed=0, repeats=3)


def test_it_is_json_and_the_same_every_time(judged, paintings, morphs):
    figures, tables = judged
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    again = evaluate(
        paintings,
        morphs.frames[STUDY][:8, 0],
        Competitors(morphs.frames, T, morphs.years, morphs.ends),
        {"texture": TEXTURE},
        seed=0,
        repeats=3,
    )[0]
    assert again["verdicts"] == figures["verdicts"]
    assert again["chronology"] == figures["chronology"]


def test_what_is_said_of_some_pairs_is_what_an_evaluation_of_them_alone_says(paintings, morphs):
    """A competitor with every third pair, beside one that has all: of the study, the cross-fade and itself over these pairs."""
    chosen = np.arange(0, PAIRS, 3)
    later = np.roll(morphs.frames[STUDY], 1, axis=1)
    generated, name = morphs.frames[STUDY][:8, 0], f"rolled ({len(chosen)} pairs)"

    def found(frames, years, ends, some):
        return evaluate(paintings, generated, Competitors(frames, T, years, ends, some), {"texture": TEXTURE}, seed=0, repeats=2)[0]

    frames = {STUDY: morphs.frames[STUDY], "held": morphs.frames["constant"], name: later[chosen]}
    whole = found(frames, morphs.years, morphs.ends, {name: chosen})
    alone = found({STUDY: frames[STUDY][chosen], name: later[chosen]}, morphs.years[chosen], morphs.ends[chosen], {})
    assert whole["middle"]["k"] == alone["middle"]["k"]
    same = {f"{STUDY} ({len(chosen)} pairs)": STUDY, f"cross-fade ({len(chosen)} pairs)": "cross-fade", name: name}
    assert whole["some_pairs"] == dict.fromkeys(same, chosen.tolist())
    assert set(whole["competitors"]) == {"cross-fade", "held", *same}

    def places(figures, key):
        way = figures["morph"] if key == STUDY else figures["competitors"][key]
        return [(at["against"]["between"]["kid"], at["precision"], at["sharpness"]) for at in way]

    def years(figures, key):
        way = figures["chronology"] if key == STUDY else figures["chronology"]["competitors"][key]
        return {part: way[part] for part in ("rank", "later", "by_t", "between", "between_part")}

    truths = [{one["name"]: one["error"] for one in figures["truth"]["competitors"]} for figures in (whole, alone)]
    for some, all_ in same.items():
        assert places(whole, some) == places(alone, all_)
        assert years(whole, some) == years(alone, all_)
        assert truths[0][some] == pytest.approx(truths[1][all_])
    assert places(whole, STUDY) != places(alone, STUDY)
    verdict = [next(one for one in figures["verdicts"] if one["name"] == name) for figures in (whole, alone)]
    assert verdict[0] == verdict[1]
    assert {one["name"] for one in whole["verdicts"]} == {"cross-fade", "held", name, "the early works", "the late works", "both, mixed"}


def test_of_a_few_pairs_no_verdict_and_no_years_are_said(paintings, morphs):
    few = {STUDY: morphs.frames[STUDY], "few (7 pairs)": morphs.frames[STUDY][:7]}
    competitors = Competitors(few, T, morphs.years, morphs.ends, {"few (7 pairs)": np.arange(7)})
    found = evaluate(paintings, morphs.frames[STUDY][:8, 0], competitors, {"texture": TEXTURE}, seed=0, repeats=2)[0]
    reason = "7 pairs, at least 8 are needed"
    assert next(one for one in found["verdicts"] if one["name"] == "few (7 pairs)")["difference"]["reason"] == reason
    assert set(found["chronology"]["competitors"]) == {"cross-fade"}
    assert found["verdicts"][0]["verdict"]


@pytest.mark.parametrize(
    "some, message",
    [
        ({"a": np.arange(8)}, "a: frames of 9 pairs, they should be of 8"),
        ({"a": np.arange(9), "b": np.arange(1, 10)}, "b: has other pairs than another competitor with 9 pairs"),
    ],
)
def test_competitors_with_some_pairs_are_asked_for_the_same(morphs, some, message):
    ours = morphs.frames[STUDY]
    frames = {STUDY: ours, "cross-fade": ours, "a": ours[:9], "b": ours[1:10]}
    with pytest.raises(UserError, match=message):
        Competitors(frames, T, morphs.years, morphs.ends, some).like_with_like()


def test_competitors_have_their_swd_where_it_is_shown(judged):
    figures, tables = judged
    shown = {0, figures["middle"]["k"], len(T) - 1}
    for name, way in figures["competitors"].items():
        assert {k for k, place in enumerate(way) if place["against"]["between"]["swd"]["value"] is not None} == shown, name
        assert all(place["against"]["between"]["kid"]["value"] is not None for place in way)
    assert all(place["against"]["between"]["swd"]["value"] is not None for place in figures["morph"])
    # Of the same frames it is the same as the study's own.
    middle = figures["middle"]["k"]
    ways = [figures["morph"], figures["competitors"]["reversed"]]
    values = [way[middle]["against"]["between"]["swd"]["value"] for way in ways]
    assert values[0] == values[1]


def test_the_regressor_tells_years_of_paintings_it_has_not_seen(judged):
    found = judged[0]["chronology"]
    assert found["works"] == 150
    assert found["error"] < 0.25 * found["guess"]
    assert found["correlation"] > 0.95
    for name, (first, last) in {"early": (1880, 1884), "between": (1884, 1887), "late": (1887, 1890)}.items():
        assert first < found["periods"][name]["low"] < found["periods"][name]["high"] < last


def test_true_frames_get_later_and_their_middle_lies_between(judged):
    found = judged[0]["chronology"]
    assert (found["later"], found["between"]) == ("yes", "yes")
    assert found["rank"]["low"] > 0.8
    for place in found["by_t"]:
        assert place["value"] == pytest.approx(place["year"], abs=0.5)


def test_morphs_made_wrong_are_found_out(judged):
    wrong = judged[0]["chronology"]["competitors"]
    assert wrong["reversed"]["later"] == "reversed"
    assert wrong["shuffled"]["later"] in ("no", "undecided") and wrong["shuffled"]["rank"]["low"] < 0.25
    assert (wrong["constant"]["later"], wrong["constant"]["between"]) == ("no", "no")
    assert wrong["constant"]["rank"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_of_frames_that_are_no_paintings_or_stand_on_their_heads_nothing_is_said(judged):
    found = judged[0]["chronology"]
    assert found["competitors"]["upside down"]["between"] == found["competitors"]["grey"]["between"] == "silent"
    assert "stand on their heads" in found["competitors"]["upside down"]["between_reason"]
    assert "no paintings of this collection (precision 0.00" in found["competitors"]["grey"]["between_reason"]
    assert (
        found["between_part"]["value"] > 0.8
        and f"of the cross-fades: {found['competitors']['cross-fade']['between_part']['value']:.0%}" in (found["text"])
    )


def test_what_could_have_been_found_stands_beside_each_verdict(judged):
    """The painter's years differ much: paintings of those years would have been found nearer, and the answer is a yes."""
    said = {verdict["name"]: verdict for verdict in judged[0]["verdicts"]}
    assert said["the early works"]["power"] == 1
    assert all(0 <= verdict["power"] <= 1 for verdict in said.values())
    assert judged[0]["answer"]["found"].startswith(("Yes. ", "In part. "))
    assert "Compared with 43 real paintings of 1884 to 1886" in judged[0]["answer"]["compared"]


def test_true_frames_are_nearer_to_the_years_between_than_anything_simple(judged):
    said = {verdict["name"]: verdict for verdict in judged[0]["verdicts"]}
    for name in ("the early works", "the late works", "cross-fade", "constant"):
        assert said[name]["verdict"] == "nearer", said[name]
        assert said[name]["difference"]["high"] < 0
    assert said["reversed"]["verdict"] == "undecided"  # its middle is the same pictures
    assert said["reversed"]["difference"]["value"] == 0


def test_true_frames_have_the_true_style_and_wrong_ones_do_not(judged):
    found = judged[0]["truth"]
    error = {entry["name"]: entry for entry in found["competitors"]}
    assert min(parameter["skill"] for parameter in found["parameters"] if parameter["name"] in error[STUDY]["by_parameter"]) > 0.5
    assert len(error[STUDY]["by_parameter"]) >= 5
    assert error[STUDY]["high"] < 0.1
    for name in ("reversed", "shuffled", "constant", "the early works", "the late works"):
        assert error[name]["low"] > 2 * error[STUDY]["high"], name
    assert error[STUDY]["error"] == pytest.approx(np.mean(error[STUDY]["by_t"]))
    assert error[STUDY]["error"] == pytest.approx(np.mean(list(error[STUDY]["by_parameter"].values())))


def test_the_middle_is_where_the_years_between_are(judged, paintings, morphs):
    middle = judged[0]["middle"]
    apart = np.abs(morphs.years.mean(axis=0) - paintings.years[paintings.of("between")].mean())
    assert middle["k"] == apart.argmin() and middle["t"] == T[middle["k"]]


def test_fresh_pictures_are_no_copies_and_copies_are_found(judged, paintings, morphs):
    # One painting in twenty stands out as much: of 80 that are as new, 95 times in 100 from 1 to 11 do (beta-binomial, 6 of 107 paintings).
    fresh = judged[0]["copies"]["generated"]
    assert fresh["n"] == 80 and 1 <= fresh["near"] <= 11 and fresh["part"] == fresh["near"] / 80
    copied = paintings.images[paintings.of("early")[:20], :, ::-1]
    noisy = np.clip(copied.astype(int) + np.random.default_rng(0).integers(-8, 9, copied.shape), 0, 255).astype(np.uint8)
    figures, tables = evaluate(paintings, noisy, morphs, {"texture": TEXTURE}, seed=0, repeats=2)
    assert figures["copies"]["generated"] == {"n": 20, "near": 20, "part": 1.0}
    assert [row["nearest_index"] for row in tables["generated"]] == paintings.of("early")[:20].tolist()
    assert "repeats paintings by heart" in figures["copies"]["text"]


def test_style_moves_as_the_painter_moves_it(judged):
    curves = {curve["name"]: curve for curve in judged[0]["style"]}
    for name in ("brightness", "saturation", "contrast"):
        curve = curves[name]
        assert np.all(np.diff(curve["value"]) > 0), name
        assert np.all(np.array(curve["low"]) <= curve["value"]) and np.all(np.array(curve["high"]) >= curve["value"])
        assert curve["periods"]["early"]["high"] < curve["periods"]["between"]["low"]
    assert curves["hue"]["circle"] == 360


def test_tables_hold_every_painting_frame_and_picture(judged, paintings, morphs):
    figures, tables = judged
    assert {name: len(rows) for name, rows in tables.items()} == {
        "works": 150,
        "frames": PAIRS * len(T),
        "generated": 80,
        "style": len(figures["style"]) * len(figures["style"][0]["years"]),
        "competitors": len(T) * 7 + 3,
        "chronology": len(T) * 7,
    }
    for row in tables["works"]:
        assert float(row["ahead"]) == pytest.approx(float(row["looks_like"]) - float(row["year"]), abs=0.02)
        assert 0 <= float(row["map_x"]) <= 1
    last = tables["frames"][-1]
    assert (last["early_index"], last["late_index"], last["frame"], last["t"]) == (*morphs.ends[-1], len(T) - 1, "1.0000")
    said = [float(row["looks_like"]) for row in tables["frames"] if row["frame"] == 2]
    assert np.mean(said) == pytest.approx(figures["chronology"]["by_t"][2]["value"], abs=0.01)


def test_the_summary_says_what_the_figures_say(judged):
    first, second, *rest = judged[0]["summary"]
    assert "nearer than the cross-fade, the shuffled" in first or "nearer than the cross-fade" in first
    assert second.startswith("The frames look later the further they are on the way")
    assert any("true style of every year is known" in line for line in rest)


def test_without_paintings_between_there_are_reasons(paintings, morphs):
    kept = [i for i, period in enumerate(paintings.periods) if period != "between"]
    where = {old: new for new, old in enumerate(kept)}
    periods, titles, files = ([one[i] for i in kept] for one in (paintings.periods, paintings.titles, paintings.files))
    few = Paintings(paintings.images[kept], {"texture": paintings.features["texture"][kept]}, paintings.years[kept], periods, titles, files)
    ends = np.vectorize(where.get)(morphs.ends)
    ours = Competitors({STUDY: morphs.frames[STUDY]}, T, morphs.years, ends)
    figures, _ = evaluate(few, paintings.images[:20], ours, {"texture": TEXTURE}, seed=0, repeats=2)
    assert {verdict["verdict"] for verdict in figures["verdicts"]} == {None}
    assert figures["summary"][0] == "Whether the frames are of the years between can't be said: 0 paintings between, at least 8 are needed."
    assert figures["truth"] is None
    assert figures["chronology"]["later"] == "yes"
    json.dumps(figures, allow_nan=False)


def test_other_features_have_figures_of_their_own(paintings, morphs):
    def mean_colour(images: np.ndarray) -> np.ndarray:
        return images.mean(axis=(1, 2)).astype(np.float64)

    both = {**paintings.features, "colour": mean_colour(paintings.images)}
    seen = Paintings(paintings.images, both, paintings.years, paintings.periods, paintings.titles, paintings.files)
    figures, _ = evaluate(seen, paintings.images[:40], morphs, {"texture": TEXTURE, "colour": mean_colour}, seed=0, repeats=2)
    other = figures["other"]["colour"]
    assert set(other["middle"]) == {STUDY, "cross-fade", *(name for name in morphs.frames if name != STUDY)}
    assert other["middle"][STUDY]["kid"]["value"] < other["middle"]["constant"]["kid"]["value"]
    assert abs(other["floors"]["training"]["kid"]["value"]) < 0.2 * other["ceiling"]["kid"]["value"]


@pytest.mark.parametrize("paintings_left", [19, 0])
def test_too_few_dated_paintings_for_a_chronology(paintings_left):
    with pytest.raises(ValueError, match=f"{paintings_left} dated paintings"):
        chronology.fit(np.zeros((paintings_left, 3)), np.zeros(paintings_left), np.arange(paintings_left), 0)
