"""Exploring by hand: what is painted at a place, which directions there are, and the page."""

import asyncio
import base64
import dataclasses
import gc
import http.client
import importlib
import json
import re
import shutil
import socket
import sys
import threading
import urllib.error
import urllib.request
import warnings
from types import SimpleNamespace

import imageio.v3 as iio
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_study import study  # noqa: F401 (a fixture)
from tiny import tiny_config

from gan_jax import pictures, verbs
from gan_jax.errors import UserError
from gan_jax.explorer import directions
from gan_jax.explorer.directions import Directions
from gan_jax.explorer.explorer import End, Explorer, Known, Place
from gan_jax.latents import paths, sampling
from gan_jax.models import layers, networks, pggan
from gan_jax.models.generator import First, Generator, Years
from gan_jax.stages.explore import explorer_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries that Bokeh brings along
    page = pytest.importorskip("gan_jax.explorer.page", reason="Bokeh is not installed", exc_type=UserError)
    from bokeh.client import pull_session
    from bokeh.document import Document
    from bokeh.models.widgets import Div
    from tornado.httpclient import HTTPClientError, HTTPRequest
    from tornado.websocket import websocket_connect

BROWSER, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
HOSTILE = "</option><img src=x onerror=\"document.title='broken'\"> & <b>bold</b>"
SIZE = 6  # of the latents of the plain generator, without its year


def plain(strengths=(5.0, 3.0, 2.0, 1.0, 0.5, 0.2)):
    """A generator whose first layer is a matrix with known singular vectors [6, 6]: what it stretches most, it changes most."""
    rng = np.random.default_rng(0)
    inwards, outwards = (np.linalg.qr(rng.standard_normal((n, n)))[0] for n in (SIZE, 10))
    first = jnp.asarray(inwards * strengths @ outwards[:SIZE], jnp.float32)
    colours = jnp.asarray(rng.standard_normal((SIZE + 1, 8 * 8 * 3)), jnp.float32) * 0.3

    def apply(params, z):
        return jnp.tanh(z @ params["colours"]).reshape(-1, 8, 8, 3)

    def seen(params, z):
        return z[:, :SIZE] @ params["first"] + 100 * z[:, SIZE:]

    years = Years(1886.0, 2.0, (1883.0, 1885.0, 1889.0))
    return Generator("plain", SIZE + 1, 8, {"first": first, "colours": colours}, apply, 1, years, first=seen), inwards.T


def test_directions_are_those_in_which_the_first_layer_changes_most_and_time_orders_them():
    generator, axes = plain()
    rng = np.random.default_rng(1)
    without = directions.find(generator, np.zeros((0, SIZE + 1)), np.zeros(0), 4)
    assert without.moves.shape == (4, SIZE) and np.isnan(without.correlations).all()
    along = np.abs(np.sum(without.moves * axes[:4], axis=1))
    np.testing.assert_allclose(along, 1, atol=0.06)  # one standard deviation of latents that are N(0, 1)
    np.testing.assert_allclose(np.linalg.norm(without.moves, axis=1), 1, atol=0.06)

    latents = rng.standard_normal((200, SIZE + 1)).astype(np.float32)
    years = 1886 + latents[:, :SIZE] @ (2 * axes[2] - axes[0])
    found = directions.find(generator, latents, years, 4)
    assert [int(np.abs(axes @ move).argmax()) for move in found.moves[:2]] == [2, 0]
    for move, correlation in zip(found.moves[:2], found.correlations):
        assert correlation == pytest.approx(np.corrcoef(latents[:, :SIZE] @ move, years)[0, 1], abs=0.03)
    assert (np.diff(np.abs(found.correlations)) <= 0).all()


def test_a_first_layer_that_cannot_be_seen_has_no_directions_and_one_of_rank_two_has_two():
    generator, _ = plain()
    assert directions.find(Generator("hub", SIZE, 8, None, lambda _, z: z), np.zeros((0, SIZE)), np.zeros(0), 4) is None
    assert len(directions.find(plain((2.0, 1.0, 0, 0, 0, 0))[0], np.zeros((0, SIZE + 1)), np.zeros(0), 4).moves) == 2


@pytest.mark.parametrize("name", ["dcgan", "pggan"])
def test_the_first_layer_is_that_of_the_network(name):
    config = tiny_config()
    config.model.update(name=name, fmap_base=64, fmap_max=8)
    network = networks.build(config.model, 16, jnp.float32)[0]
    z = jax.random.normal(jax.random.key(0), (3, 9))
    variables = network.init(jax.random.key(2), z, level=4, alpha=jnp.float32(1))
    stats = jax.tree.map(lambda x: x + jax.random.uniform(jax.random.key(1), x.shape), variables.get("batch_stats", {}))
    params = variables["params"]
    if name == "dcgan":
        norm, moments = params["norm_project"], stats["norm_project"]
        x = np.einsum("nl,lhwc->nhwc", z, params["project"])
        expected = (x - np.asarray(moments["mean"])) / np.sqrt(np.asarray(moments["var"]) + 1e-5) * np.asarray(norm["scale"])
        expected += np.asarray(norm["bias"])
    else:
        block = pggan.GeneratorBlock(2, params["block_2"]["bias"].shape[0], False, jnp.float32)
        expected = block.apply({"params": params["block_2"]}, layers.pixel_norm(z[:, :-1]), None, z[:, -1:])
    seen = First(network, 4, 1.0)(networks.variables(params, stats), z)
    np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def explorer():
    generator, axes = plain()
    rng = np.random.default_rng(2)
    paintings = []
    for title, year in (("Sower", 1883.5), (HOSTILE, 1888.0)):
        z = rng.standard_normal(SIZE)
        latents = np.concatenate([z * np.sqrt(SIZE) / np.linalg.norm(z), [(year - 1886) / 2]]).astype(np.float32)
        paintings.append(Known(title, f"{year}.jpg", year, latents, rng.integers(0, 256, (8, 8, 3), np.uint8)))
    return Explorer(generator, paintings, Directions(axes[:2].astype(np.float32), np.array([0.7, -0.2])))


SOWER, OTHER = End(0), End(1)


def test_a_way_begins_and_ends_with_its_paintings_and_the_year_goes_along_or_by_itself(explorer):
    a, b = (painting.latents for painting in explorer.paintings)
    np.testing.assert_allclose(explorer.latents(Place(SOWER, OTHER)), a, atol=1e-6)
    np.testing.assert_allclose(explorer.latents(Place(SOWER, OTHER, 1.0)), b, atol=1e-6)
    middle = Place(SOWER, OTHER, 0.5)
    np.testing.assert_allclose(explorer.latents(middle)[:-1], paths.slerp(a[None, :-1], b[None, :-1], np.array([0.5]))[0, 0], atol=1e-6)
    assert explorer.year_between(middle) == pytest.approx((1883.5 + 1888) / 2, abs=1e-3)
    later = Place(SOWER, OTHER, 0.5, year=1889.0)
    np.testing.assert_array_equal(explorer.latents(later)[:-1], explorer.latents(middle)[:-1])
    assert explorer.latents(later)[-1] == pytest.approx(1.5)
    np.testing.assert_array_equal(explorer.image(later), explorer.generator.images(explorer.latents(later)[None])[0])
    assert (explorer.image(later) != explorer.image(middle)).any()
    np.testing.assert_array_equal(explorer.image_of(SOWER), explorer.paintings[0].image)
    np.testing.assert_array_equal(explorer.image_of(End(seed=5)), explorer.generator.images(sampling.of_seeds(explorer.generator, [5]))[0])


def test_truncation_goes_to_the_ordinary_and_directions_move_on_the_sphere(explorer):
    ordinary = sampling.ordinary(explorer.generator)
    at = Place(SOWER, SOWER, psi=0.0, year=1884.0)
    np.testing.assert_allclose(explorer.latents(at)[:-1], ordinary[:-1], atol=1e-5)
    moved = explorer.latents(Place(SOWER, SOWER, amounts=(1.5, -0.5)))
    expected = explorer.paintings[0].latents[:-1] + np.array([1.5, -0.5]) @ explorer.directions.moves
    np.testing.assert_allclose(moved[:-1], expected * np.sqrt(SIZE) / np.linalg.norm(expected), rtol=1e-4)
    assert moved[-1] == explorer.paintings[0].latents[-1]
    np.testing.assert_allclose(explorer.latents(Place(SOWER, SOWER, amounts=(0.0, 0.0))), explorer.paintings[0].latents, atol=1e-6)


def test_what_is_saved_paints_the_same_image_again(explorer, tmp_path):
    place = Place(OTHER, End(seed=7), 0.25, 1885.0, 0.8, (0.5, 0.0))
    folder = tmp_path / "explored"
    assert explorer.save(place, folder) == folder / "00001.png"
    (folder / "00007.json").write_text("{}")
    assert explorer.save(place, folder) == folder / "00008.png"
    said = json.loads((folder / "00001.json").read_text())
    again = explorer.generator.images(np.array(said["latents"])[None])[0]
    np.testing.assert_array_equal(iio.imread(folder / "00001.png"), pictures.enlarged(again, 512))
    assert said["first"] == {"title": HOSTILE, "file": "1888.0.jpg", "year": 1888.0} and said["last"] == {"seed": 7}
    assert (said["along"], said["year"], said["psi"]) == (0.25, 1885.0, 0.8)
    assert said["directions"][0] == {"standard_deviations": 0.5, "correlation_with_time": 0.7}
    (folder / "99999.png").touch()
    with pytest.raises(UserError, match="as many images as it can"):
        explorer.save(place, folder)


def test_a_study_is_explored_by_what_its_inversion_found_or_its_training_learnt(study):  # noqa: F811
    config, workdir = study
    explorer = explorer_of(config, workdir, inverted=True)
    years = [painting.year for painting in explorer.paintings]
    latents = np.load(workdir / "inversion" / "latents.npy")
    assert years == sorted(years) and len(years) == len(latents)
    np.testing.assert_array_equal(explorer.paintings[0].latents, latents[0])
    assert len(explorer.directions.moves) == 8 and np.isfinite(explorer.directions.correlations).all()
    learnt = explorer_of(config, workdir, inverted=False)
    assert [painting.title for painting in learnt.paintings] == [painting.title for painting in explorer.paintings]
    size = learnt.generator.latent_size - 1
    np.testing.assert_array_equal(learnt.paintings[0].latents[:size], learnt.generator.painting_latents[0])
    assert learnt.paintings[-1].latents[-1] == pytest.approx(learnt.generator.years.labels(np.array([years[-1]]))[0, 0])
    other = config.copy_and_resolve_references()
    other.generator = str(workdir)  # of which nobody knows that it has learnt these paintings
    assert explorer_of(other, workdir, inverted=False).paintings == []


def test_explore_shows_no_latents_of_an_inversion_that_is_stale_or_damaged(study, tmp_path, monkeypatch):  # noqa: F811
    """In their place it shows those that training has learnt, which here are other ones than what the inversion's file says."""
    config, workdir = study
    learnt = np.load(workdir / "inversion" / "latents.npy")
    shutil.copytree(workdir, tmp_path / "whole")
    np.save(tmp_path / "whole" / "inversion" / "latents.npy", -learnt)
    shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    damaged = tmp_path / "damaged" / "inversion" / "latents.npy"
    damaged.write_bytes(damaged.read_bytes()[:-8])
    other = config.copy_and_resolve_references()
    other.inversion.learning_rate *= 2
    shown = []
    monkeypatch.setattr(page, "serve", lambda explorer, *_: shown.append([painting.latents for painting in explorer.paintings]))
    monkeypatch.setattr("gan_jax.compilation_cache.use_compilation_cache", lambda: None)
    for asked, name in ((config, "whole"), (other, "whole"), (config, "damaged")):
        values = SimpleNamespace(config=asked, workdir=[str(tmp_path / name)], accept_changes=False, port=0)
        verbs.explore("explore", values)
    whole, stale, cut = shown
    np.testing.assert_array_equal(whole, -learnt)
    np.testing.assert_array_equal(stale, learnt)
    np.testing.assert_array_equal(cut, learnt)


def image_in(text):
    """The image in a piece of the page."""
    return re.search(r"base64,([^\"]+)", text)[1]


def test_the_page_shows_the_place_that_its_widgets_say(explorer, tmp_path):
    document = Document()
    shown = page.Page(explorer, tmp_path / "explored", document)

    def expected(place):
        return image_in(page._picture(explorer.image(place), page.LARGE, ""))

    assert image_in(shown.image.text) == expected(Place(SOWER, OTHER, 0.0, 1883.5, 1.0, (0.0, 0.0)))
    assert shown.first.value == "0" and shown.last.value == "1" and not shown.first_seed.visible
    assert HOSTILE not in shown.ends.text and "&lt;/option&gt;" in shown.ends.text
    shown.along.value = 0.5
    assert shown.year.value == pytest.approx(1885.75, abs=1e-3)
    shown.year.value, shown.psi.value, shown.directions[1].value = 1889.0, 0.5, -1.0
    waiting = document.session_callbacks
    assert len(waiting) == 1  # however much has moved
    waiting[0].callback()
    place = Place(SOWER, OTHER, 0.5, 1889.0, 0.5, (0.0, -1.0))
    assert shown.place == place and image_in(shown.image.text) == expected(place)
    shown.first.value = ""
    assert shown.first_seed.visible and shown.place.first == End(seed=0)
    shown._zero()
    assert shown.place.amounts == (0.0, 0.0)
    shown._save()
    assert "00001.png" in shown.said.text and (tmp_path / "explored" / "00001.json").exists()


@pytest.fixture
def served(explorer, tmp_path, monkeypatch):
    """The address of a page that is served."""
    address, known = [], threading.Event()

    def said(text):
        address.append(text)
        known.set()

    servers = []

    class Watched(page.Server):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            servers.append(self)

    monkeypatch.setattr(page, "Server", Watched)
    thread = threading.Thread(target=page.serve, args=(explorer, tmp_path / "explored", 0, said))
    thread.start()
    assert known.wait(60)
    yield address[0]
    servers[0].io_loop.add_callback(servers[0].io_loop.stop)
    thread.join(60)
    assert not thread.is_alive()


def test_titles_are_no_formulas(explorer, tmp_path):
    """Bokeh's texts between dollars are TeX, which has links that run."""
    formula = dataclasses.replace(explorer.paintings[0], title=r"$$\href{javascript:alert(1)}{x}$$")
    document = Document()
    page.Page(dataclasses.replace(explorer, paintings=[formula, explorer.paintings[1]]), tmp_path, document)
    texts = list(document.select({"type": Div}))
    assert any("$$" in div.text for div in texts) and all(div.disable_math for div in texts)


@pytest.fixture
def loop():
    """The loop of this thread, which Bokeh's client asks for."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.mark.usefixtures("loop")
def test_the_page_is_served_to_whoever_knows_its_address_and_to_pages_from_there(served, explorer):
    address, port = served, int(re.search(r":(\d+)/", served)[1])
    session = pull_session(url=address)
    try:
        along = session.document.select_one({"title": "How far along"})
        along.value = 1.0
        expected, shown = image_in(page._picture(explorer.image(Place(SOWER, OTHER, 1.0)), page.LARGE, "")), ""
        for _ in range(100):  # the image is painted after what has moved it
            session.pull()
            if (shown := image_in(session.document.roots[0].children[0].children[0].text)) == expected:
                break
        assert shown == expected
    finally:
        session.close()
    for path in ("/", "/explore", "/static/../../etc/passwd"):
        with pytest.raises(urllib.error.HTTPError, match="40[34]"):
            urllib.request.urlopen(f"http://localhost:{port}{path}")
    request = HTTPRequest(f"ws://localhost:{port}{address.partition(str(port))[2]}/ws", headers={"Origin": "http://elsewhere.example"})
    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(connected(request))


@pytest.mark.parametrize("host, answer", [
    ("elsewhere.example", 403), ("localhost.elsewhere.example", 403), ("xlocalhost", 403), ("127.0.0.10", 403), ("[::1]", 403), ("", 403),
    ("localhost", 200), ("LOCALHOST", 200), ("127.0.0.1", 200),
])  # fmt: skip
def test_nothing_is_answered_under_the_name_of_another_host(served, host, answer):
    """As of a page of somebody's, whose name leads to this machine once it is open (DNS rebinding)."""
    port = int(re.search(r":(\d+)/", served)[1])
    for path in (served.partition(str(port))[2], f"{served.partition(str(port))[2]}/autoload.js?bokeh-autoload-element=1", "/favicon.ico"):
        connection = http.client.HTTPConnection(page.HERE, port, timeout=60)
        connection.request("GET", path, headers={"Host": f"{host}:{port}" if host else ""})
        assert connection.getresponse().status == answer, path
        connection.close()


def test_without_bokeh_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh.document", None)
    monkeypatch.delitem(sys.modules, "gan_jax.explorer.page")
    with pytest.raises(UserError, match=r"explore: needs Bokeh.*pip install 'bokeh"):
        importlib.import_module("gan_jax.explorer.page")


@pytest.mark.filterwarnings("ignore:Exception ignored:pytest.PytestUnraisableExceptionWarning")  # Tornado leaves its socket open
def test_a_port_that_is_taken_is_named(explorer, tmp_path):
    with socket.create_server((page.HERE, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"--port={port}: .*in use"):
            page.serve(explorer, tmp_path, port, print)
        gc.collect()


async def connected(request):
    return await websocket_connect(request)


@pytest.fixture
def browser(served):
    """One that shows the page."""
    if not BROWSER or not DRIVER:
        pytest.skip("there is no browser, or no driver of one")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1300,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        browser.get(served)
        wait_until(browser, lambda: len(sources(browser)) == 3)
        yield browser
    finally:
        browser.quit()


def wait_until(browser, condition):
    waits = pytest.importorskip("selenium.webdriver.support.wait")
    waits.WebDriverWait(browser, 60).until(lambda _: condition())


def sources(browser):
    return browser.execute_script(f"return ({ALL})('img').map((one) => one.src)")


def test_the_page_in_a_browser(browser, explorer):
    for change, place in (
        ("('How far along').value = 1", Place(SOWER, OTHER, 1.0)),
        ("('Year').value = 1884.5", Place(SOWER, OTHER, 1.0, 1884.5)),
        ("('From').value = ''", None),
    ):
        browser.execute_script(f"{WIDGET} of{change}")
        if place:
            expected = image_in(page._picture(explorer.image(place), page.LARGE, ""))
            wait_until(browser, lambda expected=expected: expected in sources(browser)[0])
    assert browser.title == "plain: explore"  # what a title of a painting says is text
    assert not [line for line in browser.get_log("browser") if line["level"] == "SEVERE" and "favicon" not in line["message"]]


def test_its_button_saves_what_is_shown(browser, tmp_path):
    browser.execute_script(f"({ALL})('button').find((one) => one.textContent.includes('Save')).click()")
    saved = tmp_path / "explored" / "00001.png"  # written after its numbers
    wait_until(browser, saved.exists)
    shown = iio.imread(base64.b64decode(sources(browser)[0].partition(",")[2]))
    np.testing.assert_array_equal(iio.imread(saved), shown)
    assert json.loads(saved.with_suffix(".json").read_text())["year"] == 1883.5


def test_it_fits_any_screen_and_the_directions_stand_beside_the_image_where_there_is_room(browser):
    for width, columns in ((1300, 3), (1000, 2), (400, 1)):
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wait_until(browser, lambda columns=columns: browser.execute_script(COLUMNS) == columns)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


WIDGET = "const of = (title) => [...Bokeh.documents[0]._all_models.values()].find((one) => one.title === title);"
# All elements of a page that a selector finds, also those in shadow roots.
ALL = """(selector) => { const found = []; const look = (root) => { for (const one of root.querySelectorAll('*')) {
  if (one.matches(selector)) found.push(one); if (one.shadowRoot) look(one.shadowRoot); } }; look(document); return found; }"""
# How many places from left to right there are for the image and both groups of widgets.
COLUMNS = f"""const left = (one) => Math.round(one.getBoundingClientRect().left), all = {ALL}, sliders = all('.noUi-target');
return new Set([all('img')[0], sliders[0], sliders[sliders.length - 1]].map(left)).size;"""
