"""The page in a browser: what its script does, and that nothing goes wrong or out."""

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess

import pytest
from test_report import HOSTILE, make_study

from gan_jax.report.page import write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no browser")

# Runs behind the page's own script and leaves what it saw in an element of its own.
DRIVER = """
const seen = {errors: window.errors || [], requests: performance.getEntriesByType('resource').map((one) => one.name)};
const player = document.querySelector('.player'), slider = player.querySelector('input');
const state = () => [slider.value, player.querySelector('.year').textContent, player.querySelector('.said').textContent,
  player.querySelector('.like bdi').textContent, player.querySelector('.screen img').style.transform];
seen.hidden = player.hidden;
seen.first = state();
slider.value = 4;
slider.dispatchEvent(new Event('input'));
seen.last = state();
const button = player.querySelector('button');
button.click(); seen.playing = button.textContent; button.click(); seen.stopped = button.textContent;

const table = [...document.querySelectorAll('table.sortable')].find((one) => one.textContent.includes('Precision'));
table.rows[1].cells[1].textContent = '0.9'; table.rows[2].cells[1].textContent = '−1.5'; table.rows[3].cells[1].textContent = '1,000';
const column = () => [...table.rows].slice(1).map((row) => row.cells[1].textContent);
const head = table.rows[0].cells[1];
head.querySelector('button').click(); seen.ascending = [column(), head.getAttribute('aria-sort')];
head.querySelector('button').click(); seen.descending = [column(), head.getAttribute('aria-sort')];

const picture = document.querySelector('#collection img'), dialog = document.querySelector('dialog');
seen.closed = dialog.open;
picture.focus();
picture.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true}));
seen.open = [dialog.open, dialog.querySelector('img').src === picture.src, dialog.querySelector('p').textContent === picture.alt];
dialog.click();
seen.again = dialog.open;
seen.width = [document.documentElement.scrollWidth, window.innerWidth];
seen.markup = document.querySelectorAll('bdi *, q, u, s').length;
const result = document.createElement('pre');
result.id = 'seen';
result.textContent = JSON.stringify(seen);
document.body.append(result);
"""
WATCH = "window.errors = []; for (const kind of ['error', 'unhandledrejection', 'securitypolicyviolation'])" + (
    " addEventListener(kind, (event) => window.errors.push(`${kind} ${event.message || event.violatedDirective || event.reason}`));"
)


@pytest.fixture(scope="module", params=(1280, 500), ids=("wide", "narrow"))
def seen(request, tmp_path_factory):
    """What a page says that was driven in a window of so many pixels' width."""
    folder = make_study(tmp_path_factory.mktemp("browser"))
    page = write_report(folder).read_text(encoding="utf-8")
    digests = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (WATCH, DRIVER))
    page = page.replace("script-src '", f"script-src {digests} '", 1)
    page = page.replace("<head>", f"<head><script>{WATCH}</script>", 1).replace("</body>", f"<script>{DRIVER}</script></body>")
    driven = folder.parent / "driven.html"
    # The policy has to come before the first script.
    policy = re.search(r"<meta http-equiv[^>]*>", page)[0]
    page = page.replace(policy, "").replace("<head>", f"<head>{policy}", 1)
    driven.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder.parent / 'profile'}"]
    command += [f"--window-size={request.param},900", "--dump-dom", driven.as_uri()]
    said = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    return json.loads(html.unescape(re.search(r'<pre id="seen">(.*?)</pre>', said, re.S)[1]))


def test_no_errors_and_no_requests(seen):
    assert seen["errors"] == []
    assert [name for name in seen["requests"] if not name.startswith("data:")] == []


def test_the_slider_changes_the_frame_and_what_is_said_of_it(seen):
    assert seen["hidden"] is False
    assert seen["first"] == ["2", "1885.1", "looks like 1885.5", f"{HOSTILE[6]}, 1885", "translateX(-40%)"]
    assert seen["last"] == ["4", "1889.0", "looks like 1887.5", "Painting 0, 1888", "translateX(-80%)"]
    assert (seen["playing"], seen["stopped"]) == ("pause", "play")


def test_tables_sort_by_number(seen):
    assert seen["ascending"] == [["−1.5", "0.9", "1,000"], "ascending"]
    assert seen["descending"] == [["1,000", "0.9", "−1.5"], "descending"]


def test_pictures_open_large_and_close(seen):
    assert seen["closed"] is False
    assert seen["open"] == [True, True, True]
    assert seen["again"] is False


def test_markup_in_titles_is_text(seen):
    assert seen["markup"] == 0


def test_nothing_makes_the_page_wider_than_its_window(seen):
    needed, there = seen["width"]
    assert needed <= there
