"""Dates as people write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gan_jax.collection.dates import CIRCA, FIRST_YEAR, LAST_YEAR, OPEN_ENDED, parse_date, parse_dates


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
    "text", ["", "n.d.", "unknown", "88", "18888", "12", "1886 1890", "0999", "2500", "32.1.1888", "1888-1886", "x" * 500]
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
    assert FIRST_YEAR - 10 <= year <= LAST_YEAR + 10 and 0 <= uncertainty <= LAST_YEAR and math.isfinite(uncertainty)
