"""A few of each group of `damaged.py`: whatever is opened ends well or in one line, and what is damaged is said."""

import os

import damaged
import pytest
from test_study import study  # noqa: F401 (a fixture)

EACH = {"workdir: JSON": 14, "workdir: tables": 14, "workdir: arrays": 14, "workdir: pictures": 6, "workdir: log": 2, "checkpoints": 4}
OTHERS = 6  # of each other group


@pytest.fixture(scope="module")
def bench(study, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("damaged")
    os.environ["GAN_JAX_RAN"] = str(folder / "ran")
    yield damaged.Bench(folder, study)
    del os.environ["GAN_JAX_RAN"]


def test_what_is_damaged_or_hostile_ends_in_one_line(bench):
    cases, outcomes = bench.cases(seed=1), []
    for group in dict.fromkeys(case.group for case in cases):
        members = [case for case in cases if case.group == group]
        outcomes += [damaged.tried(case, bench.folder) for case in damaged.chosen(members, EACH.get(group, OTHERS), seed=1)]
    bad = [f"{one.ended}: {one.case.path}: {one.case.what}\n{one.said}" for one in outcomes if one.ended in damaged.WRONG]
    assert not bad, "\n\n".join(bad)
    assert sum(one.ended == "one line" for one in outcomes) > len(outcomes) / 3
    assert max(one.bytes for one in outcomes) < damaged.MOST_BYTES
    assert not list(bench.folder.rglob("ran"))
    bench.all_of_it()  # everything is as it was


def test_a_link_that_leads_nowhere_is_damaged_and_not_missing(bench):
    links = [case for case in bench.cases(seed=1) if case.what == "a link to itself" and case.path.endswith("about.json")]
    outcomes = [damaged.tried(case, bench.folder) for case in links]
    assert [one.ended for one in outcomes] == ["one line"]


def test_a_case_that_goes_wrong_is_counted(bench):
    """What the script is for: it tells a traceback, silence and a line from each other."""

    def reads(error: Exception | None) -> damaged.Outcome:
        def read() -> None:
            if error:
                raise error

        return damaged.tried(damaged.Case("group", "emptied", "table.csv", damaged.ANY["emptied"], read), bench.folder)

    before = (bench.folder / "table.csv").read_bytes()
    ended = [reads(error).ended for error in (None, ValueError("no"), damaged.UserError("one"), damaged.UserError("two\nlines"))]
    assert ended == ["silent", "traceback", "one line", "traceback"]
    assert (bench.folder / "table.csv").read_bytes() == before and before
