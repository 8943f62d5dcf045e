"""Dates as people write them."""

import contextlib
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax.collection.dates import CIRCA, FIRST_YEAR, LAST_YEAR, MONTHS, OPEN_ENDED, parse_date, parse_dates


@pytest.mark.parametrize(
    "text, first, last",
    [
        ("1888", 1888, 1889),
        (" [1888] ", 1888, 1889),
        ("1888.5", 1888.45, 1888.55),
        ("1881.834", 1881.8335, 1881.8345),
        ("1888-09", 1888 + 8 / 12, 1888 + 9 / 12),
        ("9/1888", 1888 + 8 / 12, 1888 + 9 / 12),
        ("Sept 1889", 1889 + 8 / 12, 1889 + 9 / 12),
        ("September, 1889", 1889 + 8 / 12, 1889 + 9 / 12),
        ("June\u2013July 1889", 1889 + 5 / 12, 1889 + 7 / 12),
        ("1886-87", 1886, 1888),
        ("1886 - 1887", 1886, 1888),
        ("1884/85", 1884, 1886),
        ("1884\u201385", 1884, 1886),
        ("1899-01", 1899, 1899 + 1 / 12),
        ("1899/01", 1899, 1899 + 1 / 12),
        ("between 1884 and 1886", 1884, 1887),
        ("1884 to 1886", 1884, 1887),
        ("1880s", 1880, 1890),
        ("early 1888", 1888, 1888 + 4 / 12),
        ("Late 1888", 1888 + 8 / 12, 1889),
        ("summer 1888", 1888 + 5 / 12, 1888 + 8 / 12),
        ("before 1888", 1888 - OPEN_ENDED, 1888),
        ("after 1888", 1889, 1889 + OPEN_ENDED),
        ("1888-09-23", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("23 September 1888", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("Sept. 23, 1888", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("23.9.1888", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("1888-09-23T00:00:00Z", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("9/23/1888", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 23 / 360),
        ("3/4/1888", 1888 + 2 / 12 + 3 / 372, 1888 + 3 / 12 + 3 / 360),  # 4 March or 3 April
        ("1884-12", 1884 + 11 / 12, 1885),
        ("1901-02", 1901 + 1 / 12, 1901 + 2 / 12),
        ("1904\u201305", 1904, 1906),
        ("1884-8", 1884, 1889),
        ("1899-1901", 1899, 1902),
        ("1800s", 1800, 1900),
        ("mid-1880s", 1880 + 10 / 3, 1880 + 20 / 3),
        ("winter 1884-85", 1884 + 11 / 12, 1885 + 2 / 12),
        ("winter 1888", 1888, 1889 + 2 / 12),
        ("May 1889 \u2013 June 1890", 1889 + 4 / 12, 1890 + 6 / 12),
        ("23-25 Sept 1888", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 25 / 360),
        ("late 1886 \u2013 early 1887", 1886 + 2 / 3, 1887 + 1 / 3),
        ("1888-09-23/1888-09-25", 1888 + 8 / 12 + 22 / 360, 1888 + 8 / 12 + 25 / 360),
        ("\uff11\uff18\uff18\uff18", 1888, 1889),  # full-width digits
    ],
)
def test_a_date_is_the_middle_of_what_its_text_allows(text, first, last):
    year, uncertainty = parse_date(text)
    assert year == pytest.approx((first + last) / 2, abs=1e-9)
    assert uncertainty == pytest.approx((last - first) / 2, abs=1e-9)


@pytest.mark.parametrize("text", ["c. 1888", "ca 1888", "circa 1888", "about 1888", "~1888", "1888?", "c.1888", "C. 1888"])
def test_doubt_widens_a_date(text):
    assert parse_date(text) == (1888.5, 0.5 + CIRCA)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n.d.",
        "unknown",
        "88",
        "18888",
        "12",
        "1886 1890",
        "0999",
        "2500",
        "32.1.1888",
        "1888-1886",
        "1888-02-30",
        "1888-13",
        "Paris 1888",
        "19th century",
        "before 1000",
        "\u0661\u0668\u0668\u0668",
        "1888-" * 15,
        "x" * 500,
    ],
)
def test_what_is_no_date_says_so(text):
    with pytest.raises(ValueError, match="."):
        parse_date(text)


def test_bare_years_in_a_column_of_decimals_are_decimals():
    dates = parse_dates(["1884", "1884.0834", "1884.1668", "nothing"] + ["1885.0834"] * 3)
    assert dates[0] == (1884.0, dates[1][1])
    assert "'nothing'" in dates[3]
    assert parse_dates(["1884", "1885", "1885.5"])[0] == (1884.5, 0.5)
    assert parse_dates(["1884.0", "1885.0"]) == [(1884.5, 0.5), (1885.5, 0.5)]  # whole years that went through a spreadsheet


@given(st.text(max_size=300) | st.text("0123456789-/. csbeforptJune~?", max_size=40))
def test_any_text_is_a_date_in_range_or_a_value_error(text):
    try:
        year, uncertainty = parse_date(text)
    except ValueError:
        return
    assert FIRST_YEAR <= year < LAST_YEAR + 1 and 0 <= uncertainty <= LAST_YEAR and math.isfinite(uncertainty)


@pytest.mark.parametrize("piece", ["1888-", "1 ", "c.", "early ", "/", "1888 to ", "\ufdfa", "june "])
def test_no_text_takes_long(piece):
    text = piece * (80 // len(piece))
    start = time.process_time()
    for _ in range(20):
        with contextlib.suppress(ValueError):
            parse_date(text)
    assert time.process_time() - start < 1.0  # of this process alone; 50 ms each; a few are usual
    with pytest.raises(ValueError, match="characters long"):
        parse_date(piece * 1_000_000)


@given(st.lists(st.text("0123456789.-/ ac", max_size=12), max_size=12))
def test_a_column_gives_a_date_or_a_reason_for_every_entry(texts):
    for date in parse_dates(texts):
        assert (isinstance(date, str) and date) or (FIRST_YEAR <= date[0] < LAST_YEAR + 1 and date[1] >= 0)


@given(st.integers(FIRST_YEAR, LAST_YEAR), st.integers(1, 12))
def test_every_month_in_every_spelling(year, month):
    name = MONTHS[month - 1]
    for text in (
        f"{year}-{month:02d}",
        f"{month}/{year}",
        f"{month:02d}.{year}",
        f"{name} {year}",
        f"{name[:3]}. {year}",
        f"{year}, {name}",
    ):
        assert parse_date(text) == pytest.approx((year + (month - 0.5) / 12, 1 / 24), abs=1e-9)


def test_a_real_column_reads_as_its_year_and_month_do():
    months = [(1884, 1), (1884, 2), (1884, 11), (1890, 7)]
    texts = [f"{year + (month - 1) / 12:.4f}".rstrip("0").rstrip(".") for year, month in months]  # "1884", "1884.0833", ...
    assert texts[0] == "1884"
    for (year, month), date in zip(months, parse_dates(texts)):
        assert date[0] == pytest.approx(year + (month - 1) / 12, abs=1e-4) and date[1] <= 0.05
