"""Dates as people write them."""

import contextlib
import datetime
import math
import pathlib
import time

import pytest
from date_examples import EXAMPLES, REFUSED, page
from hypothesis import given
from hypothesis import strategies as st

from gan_jax.collection.dates import CIRCA, FIRST_YEAR, LAST_YEAR, MONTHS, OPEN_ENDED, parse_date, parse_dates

YEARS = st.integers(1000, LAST_YEAR)
DOCS = pathlib.Path(__file__).parent.parent / "docs"


@pytest.mark.parametrize("text, first, last", [example for examples in EXAMPLES.values() for example in examples])
def test_a_date_is_the_middle_of_what_its_text_allows(text, first, last):
    year, uncertainty = parse_date(text)
    assert year == pytest.approx((first + last) / 2, abs=1e-9)
    assert uncertainty == pytest.approx((last - first) / 2, abs=1e-9)


@pytest.mark.parametrize("text", ["c. 1888", "ca 1888", "circa 1888", "about 1888", "~1888", "1888?", "c.1888", "C. 1888"])
def test_doubt_widens_a_date(text):
    assert parse_date(text) == (1888.5, 0.5 + CIRCA)


@pytest.mark.parametrize("text", REFUSED)
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
    assert FIRST_YEAR <= year < LAST_YEAR + 1 and 0 <= uncertainty <= LAST_YEAR - FIRST_YEAR and math.isfinite(uncertainty)


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


@given(YEARS, st.integers(1, 12))
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


# Month names by an independent source: Unicode's locale data (CLDR), spelt out here.
MONTHS_OF = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "no": "januar februar mars april mai juni juli august september oktober november desember",
    "da": "januar februar marts april maj juni juli august september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
}


ROMAN = "I II III IV V VI VII VIII IX X XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI"


def span(text: str) -> tuple[float, float]:
    year, uncertainty = parse_date(text)
    return year - uncertainty, year + uncertainty


@given(st.sampled_from(list(MONTHS_OF)), YEARS, st.integers(1, 12), st.integers(1, 28))
def test_every_month_of_every_language(language, year, month, day):
    name = MONTHS_OF[language].split()[month - 1]
    for written in (name, name.upper(), name.capitalize()):
        assert parse_date(f"{written} {year}") == parse_date(f"{year}-{month:02d}")
        assert (
            parse_date(f"{day} {written} {year}") == parse_date(f"{day}. {written} {year}") == parse_date(f"{year}-{month:02d}-{day:02d}")
        )
    assert parse_date(f"{year}年{month}月") == parse_date(f"{year}-{month:02d}") == parse_date(f"{year}년 {month}월")
    assert parse_date(f"{year}年{month}月{day}日") == parse_date(f"{year}-{month:02d}-{day:02d}")


@given(st.dates(datetime.date(1000, 1, 1), datetime.date(2100, 12, 28)))
def test_every_day_in_every_spelling(day):
    expected = parse_date(day.isoformat())
    assert abs(expected[0] - (day.year + (day.timetuple().tm_yday - 0.5) / 365.25)) < 0.02
    name = MONTHS[day.month - 1]
    for text in (
        f"{day.day}.{day.month}.{day.year}",
        f"{name} {day.day}, {day.year}",
        f"{name[:3]}. {day.day}, {day.year}",
        f"{day.day} {name} {day.year}",
        f"{day.year} {name} {day.day}",
        f"{day.isoformat()}T12:30:00+02:00",
        f"{day.isoformat()} 12:30",
        f"{day.day}.{day.month}.{day.year} 9:05:00",
        f"Paris, {day.day} {name} {day.year}",
    ):
        assert parse_date(text) == expected, text
    if day.day > 12:
        assert parse_date(f"{day.day}/{day.month}/{day.year}") == parse_date(f"{day.month}/{day.day}/{day.year}") == expected


@given(YEARS, st.integers(1, 99))
def test_ranges_of_years_in_every_spelling(first, length):
    last = min(first + length, LAST_YEAR)
    expected = pytest.approx((first, last + 1))
    for text in (
        f"{first}-{last}", f"{first} - {last}", f"{first}–{last}", f"{first}—{last}", f"{first}/{last}", f"{first} to {last}",
        f"between {first} and {last}", f"from {first} to {last}", f"zwischen {first} und {last}", f"entre {first} et {last}",
        f"{first} or {last}", f"{first}, {last}", f"{first} and {last}", f"published {first}–{last}", f"{first}年～{last}年",
    ):  # fmt: skip
        if first < last:
            assert span(text) == expected, text
    if first // 100 == last // 100 and first % 100 < last % 100:
        assert span(f"{first}–{last % 100:02d}") == expected


@given(st.integers(1, 21), st.sampled_from(["st", "nd", "rd", "th"]))
def test_centuries_in_every_spelling(number, suffix):
    roman = ROMAN.split()[number - 1]
    expected = pytest.approx((100 * number - 100, 100 * number))
    for text in (
        f"{number}{suffix} century", f"{number}{suffix} c.", f"{number}. Jahrhundert", f"{number}. Jh.", f"{roman}e siècle",
        f"siglo {roman}", f"{roman} secolo", f"sec. {roman}", f"século {roman}", f"{number}e eeuw", f"{roman} век", f"{number}世紀",
        f"{number}세기",
    ):  # fmt: skip
        assert span(text) == expected, text
    assert span(f"{number}{suffix} century BC") == pytest.approx((-100 * number, -100 * number + 100))


@given(YEARS, st.sampled_from(["circa", "ca.", "um", "vers", "hacia", "verso", "cerca de", "omstreeks", "około", "около", "约", "omkring"]))
def test_doubt_in_every_language(year, word):
    assert parse_date(f"{word} {year}") == (year + 0.5, 0.5 + CIRCA)


@given(
    YEARS,
    st.sampled_from(
        [("before", "after"), ("vor", "nach"), ("avant", "après"), ("prima del", "dopo il"), ("antes de", "después de"), ("voor", "na")]
    ),
)
def test_before_and_after_in_every_language(year, words):
    if FIRST_YEAR + OPEN_ENDED < year < LAST_YEAR - OPEN_ENDED:
        assert span(f"{words[0]} {year}") == pytest.approx((year - OPEN_ENDED, year))
        assert span(f"{words[1]} {year}") == pytest.approx((year + 1, year + 1 + OPEN_ENDED))


@given(
    YEARS,
    st.integers(1, 100),
    st.sampled_from(["printed", "reprinted", "cast", "enlarged", "remade", "published", "exhibited", "restored"]),
)
def test_what_was_done_later_does_not_change_the_date(year, later, done):
    later = min(year + later, LAST_YEAR)
    for text in (f"{year}, {done} {later}", f"{year} ({done} {later})", f"{year}; {done} c. {later}", f"{year}, {done} later"):
        assert parse_date(text) == parse_date(str(year)), text
    assert parse_date(f"designed {year}, manufactured {later}") == parse_date(str(later))


@given(st.integers(1, 45))
def test_years_of_a_reign(year):
    assert parse_date(f"明治{year}年") == parse_date(f"Meiji {year}") == (1867 + year + 0.5, 0.5)


@given(st.integers(1, 3000))
def test_years_before_christ(year):
    for text in (f"{year} BC", f"{year} B.C.E.", f"{year} v. Chr.", f"{year} a.C.", f"{year} av. J.-C.", f"公元前{year}年"):
        assert span(text) == pytest.approx((-year, -year + 1)), text


def test_a_column_says_what_its_ranges_are():
    assert parse_dates(["1886-87", "1901-02"])[1] == (1902.0, 1.0)
    assert parse_dates(["1886-07", "1901-02"])[1] == parse_dates(["1901-02"])[0] == parse_date("February 1901")
    assert parse_dates(["1899-00", "1900-01"]) == [(1900.0, 1.0), (1901.0, 1.0)]
    assert parse_dates(["1886-87", "1886-07", "1901-02"])[2] == parse_date("February 1901")  # ISO months, and a range beside them


def test_a_column_says_the_order_of_day_and_month():
    assert parse_dates(["23/4/1888", "3/4/1888"])[1] == parse_date("3 April 1888")
    assert parse_dates(["4/23/1888", "3/4/1888"])[1] == parse_date("4 March 1888")
    assert parse_dates(["4/23/1888", "23/4/1888", "3/4/1888"])[2] == parse_date("3/4/1888")


def test_decimals_with_commas():
    assert parse_dates(["1888,5", "1889,25", "1890"]) == parse_dates(["1888.5", "1889.25", "1890"])
    assert parse_dates(["1888,0", "1889,0"]) == [(1888.5, 0.5), (1889.5, 0.5)]


def test_decimals_that_are_months():
    assert parse_dates(["1888.01", "1888.11", "1889.05", "1889.12"])[1:3] == [parse_date("1888-11"), parse_date("1889-05")]
    assert parse_dates(["1888.1", "1888.11", "1889.5", "1889"])[2] == parse_date("1889-05")
    assert parse_dates(["1888.09", "1888.10", "1888.11", "1901.02"])[::3] == [parse_date("1888-09"), parse_date("1901-02")]
    assert parse_dates(["1888.01", "1888.25", "1889.05"])[2] == (1889.05, 0.005)


@given(st.lists(st.tuples(YEARS, st.integers(1, 12)), min_size=3, max_size=8).filter(lambda months: len({m for _, m in months}) > 2))
def test_decimals_of_two_digits_are_months_where_none_is_more_than_twelve(months):
    assert parse_dates([f"{year}.{month:02d}" for year, month in months]) == [parse_date(f"{month}/{year}") for year, month in months]


@given(st.lists(st.dates(datetime.date(1928, 1, 1), datetime.date(2099, 12, 31)), min_size=1, max_size=5))
def test_days_as_excel_counts_them(days):
    serials = [str((day - datetime.date(1899, 12, 30)).days) for day in days]
    assert parse_dates([*serials, ""])[:-1] == [parse_date(day.isoformat()) for day in days]
    assert all(isinstance(date, str) for date in parse_dates([*serials, "1888"])[:-1])  # not where one is a year


def test_points_of_time_are_as_exact_as_is_said():
    stamps = ["1888-01-01T00:00:00Z", "1889-09-01T00:00:00Z", "1890-05-03T00:00:00Z"]
    assert parse_dates(stamps) == [parse_date("1888"), parse_date("1 September 1889"), parse_date("3 May 1890")]
    assert parse_dates(stamps, ["11", "10", "9"]) == [parse_date("1 January 1888"), parse_date("September 1889"), parse_date("1890")]
    assert parse_dates(stamps, ["8", "7", ""])[:2] == [parse_date("1880s"), parse_date("19th century")]
    assert parse_dates(["1888-01-01", "1889-01-01", "1890-01-01"]) == [parse_date(year) for year in ("1888", "1889", "1890")]
    assert parse_dates(["1888-01-01", "1889-01-02", "1890-01-01"])[0] == parse_date("1 January 1888")
    assert parse_date("+1888-00-00T00:00:00Z") == parse_date("1888") and parse_date("+1888-09-00T00:00:00Z") == parse_date("1888-09")


def test_the_page_about_dates_has_what_is_tested_here():
    assert (DOCS / "dates.md").read_text(encoding="utf-8") == page(), "run python tests/date_examples.py > docs/dates.md"
