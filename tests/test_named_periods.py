"""More periods than the two ends of a study, and periods that a column of the table names."""

import csv

import numpy as np
import pytest
from ml_collections import ConfigDict
from PIL import Image

from gan_jax import default_config
from gan_jax.__main__ import named_periods
from gan_jax.collection import collection as collections
from gan_jax.collection.named_periods import Periods, further
from gan_jax.errors import UserError

# Places overlap in time, as in a life: of each painting its year and where it was made.
PAINTINGS = (
    [(1884.1 + k / 5, "Nuenen") for k in range(9)]
    + [(1885.8, "Antwerp"), (1885.9, "Antwerp")]
    + [(1886.2 + k / 5, "Paris") for k in range(10)]
    + [(1883.0, "The Hague"), (1890.2, "Auvers")]
    + [(1888.1 + k / 5, "Arles") for k in range(8)]
    + [(1886.0, "Nuenen"), (1888.3, "paris ")]
)
ROWS = [{"Place": place} for _, place in PAINTINGS]
YEARS = [year for year, _ in PAINTINGS]


def config_of(column: str = "", **periods: str) -> ConfigDict:
    config = default_config.get_config().collection
    config.period_column = column
    config.periods.update(periods)
    return config


def of_column(**periods: str) -> Periods:
    return Periods.of(config_of("place", **({"early": "Nuenen", "late": "Arles"} | periods)))


def test_a_further_period_takes_nothing_from_the_parts_of_the_study():
    plain = Periods.of(config_of(early="..1885", late="1888.."))
    named = Periods.of(config_of(early="1884..1885", late="1888..1889", hague="..1883", paris="1886.25..1887", auvers="1890"))
    years = [1880.0, 1884.5, 1886.1, 1886.5, 1887.9, 1888.0, 1890.5]
    assert plain.parts(years, [{}] * 7, []) == ["early", "early", "between", "between", "between", "late", "late"]
    assert named.parts(years, [{}] * 7, []) == ["", "early", "between", "between", "between", "late", ""]
    assert named.names(years, [{}] * 7, []) == ["hague", "", "", "paris", "paris", "", "auvers"]
    assert plain.names(years, [{}] * 7, []) == [""] * 7
    assert named.further == ("auvers", "hague", "paris") and plain.further == ()


def test_a_name_that_says_nothing_is_no_period():
    config = config_of(paris="1884..1885")
    config.periods.paris = " "
    assert further(config.periods) == {} and Periods.of(config).further == ()


def test_years_may_stand_in_a_config_as_numbers():
    config = config_of()
    config.periods.paris = 1885
    assert Periods.of(config).names([1884.9, 1885.9], [{}, {}], []) == ["", "paris"]


@pytest.mark.parametrize(
    "periods, message",
    [
        ({"paris": "1883..1885"}, r"early \(..1883\) and paris \(1883..1885\) share years; each year can be of one period"),
        ({"paris": "1884..1885", "rest": "1885..1886"}, r"paris \(1884..1885\) and rest \(1885..1886\) share years"),
        ({"auvers": "1889.."}, r"late \(1887..\) and auvers \(1889..\) share years"),
        ({"paris": "1886..1885"}, "periods.paris='1886..1885': the span ends before it begins"),
        ({"paris": "Paris"}, "periods.paris='Paris': not a span of years"),
        ({"early": "..1888"}, "early ends at 1889, late begins at 1887; early has to end first"),
        ({"between": "1885"}, "periods.between: is what lies between early and late"),
        ({"erly": "1885"}, "periods.erly: did you mean early"),
        ({"Late": "1885"}, "periods.Late: did you mean late"),
        ({"a/b": "1885"}, "periods.a/b: a period's name has letters, digits, - and _"),
        ({"": "1885"}, "periods.: a period's name has letters"),
        ({"1885": "1885"}, "begins with a letter"),
        ({"p" * 41: "1885"}, "at most 40"),
    ],
)
def test_what_is_wrong_with_periods_is_one_line(periods, message):
    with pytest.raises(UserError, match=message) as error:
        Periods.of(config_of(**periods))
    assert "\n" not in str(error.value) and str(error.value).startswith("config.collection.periods")


@pytest.mark.parametrize("name", ["paris", "Saint-Rémy", "hague_1", "パリ", "x"])
def test_names_of_any_language_are_names(name):
    assert Periods.of(config_of(**{name: "1884"})).further == (name,)


def test_values_of_a_column_are_periods_and_what_lies_between_their_middles_is_held_out():
    periods = of_column(early="Nuenen|The Hague", paris="PARIS")
    parts, names = (each(YEARS, ROWS, ["Title", "Place"]) for each in (periods.parts, periods.names))
    places = [place.strip().casefold() for _, place in PAINTINGS]
    early = {part for part, place in zip(parts, places) if place in ("nuenen", "the hague")}
    assert early == {"early"} and {part for part, place in zip(parts, places) if place == "arles"} == {"late"}
    assert [name == "paris" for name in names] == [place == "paris" for place in places]
    middle = (
        np.median([year for year, place in zip(YEARS, places) if place in ("nuenen", "the hague")]),
        np.median([year for year, place in zip(YEARS, places) if place == "arles"]),
    )
    for year, part, place in zip(YEARS, parts, places):
        if place in ("paris", "antwerp", "auvers"):
            assert part == ("between" if middle[0] < year < middle[1] else ""), (year, place)
    # The last painting of Paris is later than the first of Arles, and held out all the same.
    assert parts[-1] == "between" and parts[PAINTINGS.index((1890.2, "Auvers"))] == ""


def test_wrong_columns_and_values_are_one_line():
    with pytest.raises(UserError, match="config.collection.period_column='place': there is no such column beside file and title, only 'x'"):
        of_column().parts([1885.0], [{"x": "y"}], ["x"])
    with pytest.raises(UserError, match="config.collection.periods: 'nuenen' is of early and of north; each value can be of one period"):
        of_column(north="Antwerp|nuenen")
    with pytest.raises(UserError, match=r"half of the early paintings \(Arles\) are of 1888.8 or later, half of the late ones \(Nuenen\)"):
        of_column(early="Arles", late="Nuenen").parts(YEARS, ROWS, ["Place"])


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    with open(tmp_path / "table.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "title", "date", "Period"])
        for n, (year, place) in enumerate(PAINTINGS):
            patches = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(patches).resize((24, 24), Image.Resampling.BICUBIC).save(tmp_path / "images" / f"{n}.png")
            writer.writerow([f"{n}.png", f"Painting {n}", f"{year:.2f}", place])
    return tmp_path


def folder_config(folder, column: str, **periods: str) -> ConfigDict:
    config = config_of(column, **periods)
    config.update(source="folder", table=str(folder / "table.csv"), images=str(folder / "images"), resolution=16, min_paintings=8)
    config.near_duplicates = -1
    return config


def test_periods_of_a_table_are_prepared_and_counted(folder):
    """The column has a name that the program's own table has too."""
    made = collections.prepare(folder_config(folder, "period", early="Nuenen", late="Arles", paris="Paris", antwerp="Antwerp"))
    assert collections.summary(made).startswith("33 paintings: 10 early, 13 between, 8 late, 2 outside; 0 skipped; 2 antwerp, 11 paris")
    made.save(folder / "saved")
    again = collections.Collection.load(folder / "saved")
    assert [(one.period, one.columns["Period"]) for one in again.paintings] == [
        (one.period, one.columns["Period"]) for one in made.paintings
    ]
    assert {one.columns["Period"] for one in again.paintings if one.period == "early"} == {"Nuenen"}


def test_naming_a_period_leaves_the_prepared_paintings_as_they_are(folder):
    for name, periods in {"plain": {}, "named": {"paris": "1886.2..1887"}}.items():
        collections.prepare(folder_config(folder, "", early="..1885", late="1888..", **periods)).save(folder / name)
    plain, named = ((folder / name / "paintings.csv").read_bytes() for name in ("plain", "named"))
    assert plain == named


@pytest.mark.parametrize(
    "column, periods, message",
    [
        ("Period", {"early": "Nuenen", "late": "Arles", "rome": "Rome"},
         r"periods.rome='Rome': 0 paintings, at least 1 is needed .*; 'Period' holds 'Nuenen' \(10\), 'Paris' \(10\), 'Arles' \(8\), "),
        ("Period", {}, r"periods.early='..1883': 0 paintings, at least 8 are needed .*'Period' holds 'Nuenen'"),
        ("", {"early": "..1885", "late": "1888..1889", "rome": "1892"}, r"periods.rome='1892': 0 paintings, at least 1 is needed"),
        ("phase", {}, "config.collection.period_column='phase': there is no such column beside file and title, only 'date', 'Period'"),
    ],
)  # fmt: skip
def test_a_period_without_paintings_is_one_line(folder, column, periods, message):
    with pytest.raises(UserError, match=message):
        collections.prepare(folder_config(folder, column, **periods))


def test_the_command_line_names_periods_that_no_config_has():
    periods = "--config.collection.periods"
    words = [
        "study",
        f"{periods}.early=..1885",
        f"{periods}.paris=1886..1887",
        "--workdir=x",
        f"-{periods[2:]}.arles",
        "1888",
        f"{periods}.x=",
    ]
    rest, named = named_periods(words)
    assert rest == ["study", f"{periods}.early=..1885", "--workdir=x"]
    assert named == {"paris": "1886..1887", "arles": "1888", "x": ""}
    for missing in ([f"{periods}.paris"], [f"{periods}.paris", "--workdir=x"]):
        with pytest.raises(UserError, match="--config.collection.periods.paris: needs years, such as 1886..1887"):
            named_periods(missing)
    with pytest.raises(UserError, match="config.collection.periods.../x: a period's name has letters"):
        named_periods([f"{periods}.../x=1885"])
