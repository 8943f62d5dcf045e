"""Dates as people and museums write them, and the span that each allows: what the tests check, and the table in docs/dates.md.

python tests/date_examples.py > docs/dates.md
"""

import textwrap

JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE, JULY, AUGUST, SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (n / 12 for n in range(12))
MONTH, SEPTEMBER_DAY = 1 / 12, 1 / 360

# What it shows, then texts with the years from which and to before which they allow.
EXAMPLES = {
    "Years": [
        ("1888", 1888, 1889),
        (" [1888] ", 1888, 1889),
        ("18[8]8", 1888, 1889),
        ("18[88]", 1888, 1889),
        ("(1888)", 1888, 1889),
        ("\uff11\uff18\uff18\uff18", 1888, 1889),  # full-width digits
        ("signed and dated 1888", 1888, 1889),
        ("Painted in 1888", 1888, 1889),
        ("1888 (dated)", 1888, 1889),
        ("1888.5", 1888.45, 1888.55),
        ("1881.834", 1881.8335, 1881.8345),
        ("0999", 999, 1000),
        ("850", 850, 851),
        ("AD 79", 79, 80),
        ("c. 225", 220, 231),
        ("100 BC", -100, -99),
        ("44 v. Chr.", -44, -43),
        ("300 av. J.-C.", -300, -299),
        ("-500", -500, -499),
    ],
    "Months, seasons, parts of a year": [
        ("1888-09", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("9/1888", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("1888/IX", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("Sept 1889", 1889 + SEPTEMBER, 1889 + OCTOBER),
        ("September, 1889", 1889 + SEPTEMBER, 1889 + OCTOBER),
        ("1889, September", 1889 + SEPTEMBER, 1889 + OCTOBER),
        ("1889 (September)", 1889 + SEPTEMBER, 1889 + OCTOBER),
        ("Arles, September 1888", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("Sept-1888", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("early 1888", 1888, 1888 + MAY),
        ("Late 1888", 1888 + SEPTEMBER, 1889),
        ("end of 1888", 1888 + SEPTEMBER, 1889),
        ("early September 1888", 1888 + SEPTEMBER, 1888 + SEPTEMBER + MONTH / 3),
        ("summer 1888", 1888 + JUNE, 1888 + SEPTEMBER),
        ("Autumn, 1916", 1916 + SEPTEMBER, 1916 + DECEMBER),
        ("winter 1884-85", 1884 + DECEMBER, 1885 + MARCH),
        ("winter 1888", 1888, 1889 + MARCH),
        ("autumn-winter 1888", 1888 + SEPTEMBER, 1889 + MARCH),
        ("winter-spring 1888", 1887 + DECEMBER, 1888 + JUNE),
    ],
    "Days": [
        ("1888-09-23", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("23 September 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("Sept. 23, 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("Sunday, 23rd of September 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("23.9.1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("23. 9. 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("23-Sep-1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("1888. 9. 23.", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("23.IX.1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("9/23/1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("3/4/1888", 1888 + MARCH + 3 / 372, 1888 + APRIL + 3 / 360),  # 4 March or 3 April
        ("1888-09-23T00:00:00Z", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("1888-09-23 17:30:00.000+01:00", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("+1888-01-01T00:00:00Z", 1888, 1889),  # Wikidata's whole year
        ("-0500-01-01T00:00:00Z", -500, -499),
    ],
    "Ranges and lists": [
        ("1886-87", 1886, 1888),
        ("1886 - 1887", 1886, 1888),
        ("1886\u20141887", 1886, 1888),
        ("1884/85", 1884, 1886),
        ("1884\u201385", 1884, 1886),
        ("1904\u201305", 1904, 1906),
        ("1884-8", 1884, 1889),
        ("1899-1901", 1899, 1902),
        ("1884-12", 1884 + DECEMBER, 1885),
        ("1901-02", 1901 + FEBRUARY, 1901 + MARCH),
        ("1899-01", 1899, 1899 + MONTH),
        ("1899/01", 1899, 1899 + MONTH),
        ("between 1884 and 1886", 1884, 1887),
        ("1884 to 1886", 1884, 1887),
        ("1786 or 1800", 1786, 1801),
        ("April 1860 or 1886", 1860 + APRIL, 1887),
        ("1828 (or 1836", 1828, 1837),
        ("1995-6, 2007", 1995, 2008),
        ("1932\u20133\u20131936", 1932, 1937),
        ("1831, 1833 and 1836", 1831, 1837),
        ("June\u2013July 1889", 1889 + JUNE, 1889 + AUGUST),
        ("May 1889 \u2013 June 1890", 1889 + MAY, 1890 + JULY),
        ("23-25 Sept 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 25 * SEPTEMBER_DAY),
        ("September 23-25, 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 25 * SEPTEMBER_DAY),
        ("1888-09-23/1888-09-25", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 25 * SEPTEMBER_DAY),
        ("late 1886 \u2013 early 1887", 1886 + 2 / 3, 1887 + 1 / 3),
        ("../1888", 1878, 1889),
        ("1888/..", 1888, 1899),
        ("50-320", 50, 321),
        ("202 BCE-8 CE", -202, 9),
        ("480-256 BCE", -480, -255),
    ],
    "Decades and centuries": [
        ("1880s", 1880, 1890),
        ("1880's", 1880, 1890),
        ("mid-1880s", 1880 + 10 / 3, 1880 + 20 / 3),
        ("1870-1880s", 1870, 1890),
        ("1960s-70s", 1960, 1980),
        ("188-", 1880, 1890),
        ("18XX", 1800, 1900),
        ("1800s", 1800, 1900),
        ("17th century", 1600, 1700),
        ("late 19th century", 1800 + 200 / 3, 1900),
        ("first half of the 19th century", 1800, 1850),
        ("last quarter of the 19th century", 1875, 1900),
        ("second third of the 18th century", 1700 + 100 / 3, 1700 + 200 / 3),
        ("later 18th century", 1750, 1800),
        ("19th-20th century", 1800, 2000),
        ("18th or 19th century", 1700, 1900),
        ("late 19th-early 20th century", 1800 + 200 / 3, 1900 + 100 / 3),
        ("early- to mid-18th century", 1700, 1700 + 200 / 3),
        ("mid to late 18th century", 1700 + 100 / 3, 1800),
        ("4th century BCE", -400, -300),
        ("XIX century", 1800, 1900),
        ("3rd millennium BC", -3000, -2000),
    ],
    "In doubt, before and after": [
        ("c. 1888", 1883, 1894),
        ("c1888", 1883, 1894),
        ("ca. 1970s", 1965, 1985),
        ("?c.1799\u20131801", 1794, 1807),
        ("1888 (?)", 1883, 1894),
        ("1888 (?)-1890", 1883, 1896),
        ("1888%", 1883, 1894),
        ("188?", 1875, 1895),
        ("ca. 1965-ca. 1970", 1960, 1976),
        ("before 1888", 1878, 1888),
        ("after 1888", 1889, 1899),
        ("1888 or later", 1888, 1899),
        ("in or after 1888", 1888, 1899),
        ("in or before 1888", 1878, 1889),
        ("no earlier than 1888", 1888, 1899),
        ("no later than 1888", 1878, 1889),
        ("1793 or earlier", 1783, 1794),
        ("c.1829\u201333, or later", 1824, 1849),
        ("1888-", 1888, 1899),
        ("after 1886 and before 1890", 1887, 1890),
        ("after 1886, before 1890", 1887, 1890),
    ],
    "What was made, shown, and made again": [
        ("published 1859\u201361", 1859, 1862),
        ("exhibited 1833", 1833, 1834),
        ("?exhibited 1812", 1807, 1818),
        ("engraved 1810", 1810, 1811),
        ("1880, printed 1940", 1880, 1881),
        ("1880 (printed 1940)", 1880, 1881),
        ("1891, cast 1925", 1891, 1892),
        ("model 1880/1881, cast 1922", 1880, 1882),
        ("1828, reworked 1837", 1828, 1829),
        ("1916, enlarged version 1964", 1916, 1917),
        ("published 1823, reprinted 1978\u20139", 1823, 1824),
        ("1951, probably printed later", 1951, 1952),
        ("1914, later cast", 1914, 1915),
        ("c.1885\u201390, posthumous cast", 1880, 1896),
        ("1880 block, c. 1935 print", 1880, 1881),
        ("exhibition copy 2007 (original 1993)", 1993, 1994),
        ("designed 1940, manufactured 1948", 1948, 1949),
        ("1953 (designed) c. 1977 (manufactured)", 1972, 1983),
        ("1945 (manufactured 1953-1957)", 1953, 1958),
        ("1940, manufactured 1954", 1940, 1941),
        ("2000, designed 1998", 2000, 2001),
        ("Project: 1891-1895; Drawn January 25, 1894", 1894 + 24 / 372, 1894 + 25 / 372),
        ("Project: 1891-1895; this drawing no date.", 1891, 1896),
        ("c. 1747 with later 18th century mount", 1742, 1753),
        ("1888, restored 1990", 1888, 1889),
        ("1888, printed in an edition of 100", 1888, 1889),
    ],
    "Dynasties and reigns": [
        ("Qianlong period (1736-1795)", 1736, 1796),
        ("Tang Dynasty, 618-907", 618, 908),
        ("Edo period (1603-1867), 19th century", 1800, 1900),
        ("Shang Period (c. 1600-1045 BCE), c. 1100 BCE", -1105, -1094),
        ("Some Period (50-320 CE), 2nd-3rd century", 100, 300),
        ("New Kingdom, 18th Dynasty or early 19th Dynasty, c. 1570-1200", -1575, -1194),
        ("late Qing dynasty", 1644 + 268 * 2 / 3, 1912),
        ("Meiji period", 1868, 1913),
        ("Meiji 21", 1888, 1889),
        ("\u660e\u6cbb21\u5e74", 1888, 1889),
        ("明治21年(1888)9月", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("1928年 (昭和3年) 5月", 1928 + MAY, 1928 + JUNE),
        ("1888（明治21）年9月", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("江戸時代・19世紀", 1800, 1900),
        ("江戸時代後期", 1603 + 266 * 2 / 3, 1869),
        ("明代嘉靖年间", 1522, 1567),
        ("조선 후기", 1392 + 506 / 2, 1898),
        ("\u660e\u6cbb\u5143\u5e74", 1868, 1869),
        ("\u5149\u7dd2\u5341\u56db\u5e74", 1888, 1889),
        ("\u6c11\u570b10\u5e74", 1921, 1922),
    ],
    "Other languages": [
        ("um 1888", 1883, 1894),
        ("vor 1888", 1878, 1888),
        ("vor/um 1888", 1873, 1893),
        ("23. September 1888", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("1880er Jahre", 1880, 1890),
        ("80er Jahre des 19. Jahrhunderts", 1880, 1890),
        ("2. H\u00e4lfte 19. Jh.", 1850, 1900),
        ("vers 1888", 1883, 1894),
        ("1er janvier 1888", 1888, 1888 + 1 / 372),
        ("entre 1884 et 1886", 1884, 1887),
        ("1888 avant", 1878, 1888),
        ("fin XIXe", 1800 + 200 / 3, 1900),
        ("fin du XVIIIe si\u00e8cle", 1700 + 200 / 3, 1800),
        ("hacia 1888", 1883, 1894),
        ("3 de mayo de 1888", 1888 + MAY + 2 / 372, 1888 + MAY + 3 / 372),
        ("siglos XVIII-XIX", 1700, 1900),
        ("años 80 del siglo XIX", 1880, 1890),
        ("tra il 1884 e il 1886", 1884, 1887),
        ("prima met\u00e0 del XIX secolo", 1800, 1850),
        ("mar\u00e7o de 1888", 1888 + MARCH, 1888 + APRIL),
        ("3.º quartel do século XVIII", 1750, 1775),
        ("omstreeks 1888", 1883, 1894),
        ("mei of juni 1888", 1888 + MAY, 1888 + JULY),
        ("tussen 1888 en 1890", 1888, 1891),
        ("slutningen af 1800-tallet", 1800 + 200 / 3, 1900),
        ("około 1888 r.", 1883, 1894),
        ("II poł. XIX w.", 1850, 1900),
        ("19e eeuw", 1800, 1900),
        ("конец XIX - начало XX века", 1800 + 200 / 3, 1900 + 100 / 3),
        ("\u043e\u043a\u043e\u043b\u043e 1888 \u0433.", 1883, 1894),
        ("1888\u5e749\u6708", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("1888\u5e749\u670823\u65e5", 1888 + SEPTEMBER + 22 * SEPTEMBER_DAY, 1888 + SEPTEMBER + 23 * SEPTEMBER_DAY),
        ("\u4e00\u516b\u516b\u516b\u5e74\u9803", 1883, 1894),
        ("19\u4e16\u7d00\u5f8c\u534a", 1850, 1900),
        ("\u516c\u5143\u524d500\u5e74", -500, -499),
        ("1888\ub144 9\uc6d4", 1888 + SEPTEMBER, 1888 + OCTOBER),
        ("18~19세기", 1700, 1900),
    ],
}  # fmt: skip

# What is refused, so that nothing is misread.
REFUSED = (
    "", "n.d.", "unknown", "not dated", "date not known", "s.d.", "o. J.", "88", "18888", "12", "188", "0000", "1886 1890", "2500",
    "32.1.1888",
    "1888-1886", "1888-02-30", "1888-13", "Paris 1888", "1888 Street", "Not 1888", "before 20000", "after Rembrandt, 1888", "Inv. 1888",
    "No. 1888", "opus 23", "died 1890", "b. 1853", "acquired 1950", "Purchased, 1990", "gift of a friend, 1950", "1,888", "20 000",
    "1888a", "1.5.88", "01/02/03", "19th", "century", "millennium", "Sep-88", "12 19th century", "circa", "early",
    "posthumous reprint", "\u0661\u0668\u0668\u0668", "1888-" * 15,
    "x" * 500,
)  # fmt: skip

ABOUT = """# How dates are read

A date is read as the span of time that its text allows: its year is the middle of the span, its uncertainty half the width. Years are
numbers: 1888.75 is the end of September 1888, months are twelfths of a year. What the conventions are, and what a whole column says that
none of its cells does, stands below the table. A text that is not understood as a whole is refused, never guessed at in part, and listed
with its reason in `collection/skipped.csv`.

The code is `gan_jax/collection/dates/`: `parse_dates` reads a column of dates, `parse_date` one alone.
"""
CONVENTIONS = """
## Where a text leaves a choice

- "c." and its like add five years on either side; "before" and "after" without another end are ten years.
- early, mid and late are thirds. The 19th century is 1800 to 1899. 100 BC is the year -100.
- Of several dates, the making of the painting counts: drawn, painted or without a word first; then "manufactured" (the last making, before
  the design), then the design, then what was published or exhibited, then prints, casts and copies. Restored, bought or given is never the
  date. In "1945 (manufactured 1953)" the bracket says when this piece was made; in "1940, manufactured 1954", as with casts, the first
  date counts.
- Several dates of the same kind allow all the years from the first to the last.
- A name before or after a comma ("Arles, September 1888") is a place. Without the comma it is refused.

## What a column says

- **Begin and end.** Two columns with the earliest and the latest year (`objectBeginDate` and `objectEndDate`, `date_start` and `date_end`,
  `yearFrom` and `yearTo`, `Datierung von` and `Datierung bis`, and so on in a dozen languages) are taken together with the text: what all
  of them allow. Where the text contradicts them they win; where it cannot be read they are the date. Columns of the artist's life are no
  such pair.
- **Ranges.** "1901-02" is February 1901, but 1901 to 1902 in a column that has "1886-87" and nothing that must be a month.
- **Day and month.** "3/4/1888" allows both orders; a "23/4/1888" in the same column settles it.
- **Decimals.** Where most cells are decimal years, with a point or a comma, "1884" is 1884.0. Where all decimals are .0 they are whole
  years. Where they run from .01 to .12 and no further, they are months.
- **Excel's day numbers** such as 12785, where the whole column is such.
- **Times of the day** are left away. A 1 January at midnight is a whole year, as Wikidata writes it, unless a `precision` column says
  11 (or 10, a month; 8, a decade; 7, a century); without times, where all dates of the column are 1 January.
"""


def page() -> str:
    """docs/dates.md."""
    lines = [ABOUT]
    for subject, examples in EXAMPLES.items():
        lines += [f"## {subject}", "", "| text | from | to before |", "| --- | --- | --- |"]
        lines += [f"| `{text.strip()}` | {first:.8g} | {last:.8g} |" for text, first, last in examples]
        lines.append("")
    refused = textwrap.wrap(", ".join(f"`{text}`" for text in REFUSED if text and len(text) < 40), 138, break_on_hyphens=False)
    return "\n".join([*lines, "## What is refused", "", *refused]) + "\n" + CONVENTIONS


if __name__ == "__main__":
    print(page(), end="")
