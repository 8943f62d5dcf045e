"""The page: widgets that say a place, and the image there; and the server that shows it on this machine alone.

Widgets and server are Bokeh's. The address holds a word that cannot be guessed, so that nobody else on this machine opens it, only pages
that came from there may talk to the server, and nothing is answered to who asks for another host: a name of somebody else's that leads to
this machine all at once.
"""

import base64
import html
import io
import pathlib
import secrets
from collections.abc import Callable
from typing import Any

import imageio.v3 as iio
import numpy as np

from gan_jax import pictures
from gan_jax.errors import UserError
from gan_jax.explorer.explorer import End, Explorer, Place

try:
    from bokeh.document import Document
    from bokeh.layouts import column, row
    from bokeh.models.widgets import Button, Div, Select, Slider, Spinner
    from bokeh.server.server import Server
    from tornado.web import ErrorHandler
except ImportError:
    raise UserError("explore: needs Bokeh, a library for pages: python -m pip install 'bokeh>=3.9,<4'") from None

HERE = "127.0.0.1"
ELSEWHERE = r"(?!(localhost|127\.0\.0\.1)$).*"  # names of hosts
LARGE, SMALL = 512, 160  # pixels of the image, and of both ends beside it
WIDTH = 320  # pixels of the widgets
CHANCE = "by chance"
ENDS = ("From", "To")
MOST_SEED = 10**6
REACH = 3.0  # standard deviations to either side
# The image, and beside it what moves it in as many columns as there is room for, or below it.
WRAPPED: dict[str, str | None] = {"flex-wrap": "wrap", "padding": "0 8px"}
BESIDE: dict[str, str | None] = {"flex": f"1 1 {WIDTH}px", "flex-wrap": "wrap", "align-content": "flex-start"}
NO_WIDER: dict[str, str | None] = {"max-width": "100%"}


class Page:
    """One visitor's page."""

    def __init__(self, explorer: Explorer, folder: pathlib.Path, document: Document):
        """Puts the page into a document. Saved are images into `folder`."""
        self._explorer, self._folder, self._document = explorer, folder, document
        self._asked = True  # whether the image will be painted: here at the end
        options: list[str | tuple[Any, str]] = [("", CHANCE)]
        options += [(str(i), f"{painting.year:.1f}  {painting.title}") for i, painting in enumerate(explorer.paintings)]
        known = len(explorer.paintings)
        self.first, self.last = (
            Select(title=title, options=options, value=value, width=WIDTH)
            for title, value in zip(ENDS, ("0", str(known - 1)) if known else ("", ""))
        )
        self.first_seed, self.last_seed = (
            Spinner(title="Seed", low=0, high=MOST_SEED, step=1, value=value, width=WIDTH, visible=not known) for value in (0, 1)
        )
        self.along = Slider(title="How far along", start=0, end=1, step=0.01, value=0, width=WIDTH)
        years = explorer.generator.years
        span = (years.seen[0], years.seen[-1]) if years else (0.0, 1.0)
        self.year = Slider(title="Year", start=span[0], end=max(span[1], span[0] + 0.1), step=0.1, value=span[0], format="0.0", width=WIDTH)
        self.year.visible = years is not None
        self.psi = Slider(title="Truncation (1: as it is, 0: the most ordinary)", start=0, end=1, step=0.01, value=1, width=WIDTH)
        found = explorer.directions
        self.directions = [
            Slider(title=_direction(i, r), start=-REACH, end=REACH, step=0.1, value=0, width=WIDTH)
            for i, r in enumerate([] if found is None else found.correlations)
        ]
        self.reset = Button(label="Directions back to zero", width=WIDTH, visible=bool(self.directions))
        self.save = Button(label="Save image and numbers", button_type="primary", width=WIDTH)
        # Titles are text, and no formulas either, which may hold links that run.
        self.said = Div(text="", width=WIDTH, disable_math=True)
        self.image, self.ends = (Div(width=LARGE, styles=NO_WIDER, disable_math=True) for _ in range(2))

        for widget in (self.first, self.last, self.first_seed, self.last_seed):
            widget.on_change("value", lambda attr, old, new: self._new_ends())
        self.along.on_change("value", lambda attr, old, new: self._new_along())
        for slider in (self.year, self.psi, *self.directions):
            slider.on_change("value", lambda attr, old, new: self._ask())
        self.reset.on_click(self._zero)
        self.save.on_click(self._save)
        ways = column(self.first, self.first_seed, self.last, self.last_seed, self.along, self.year, self.psi, self.save, self.said)
        document.title = f"{explorer.generator.name}: explore"
        moves = row(ways, column(*self.directions, self.reset), styles=BESIDE)
        document.add_root(row(column(self.image, self.ends, styles=NO_WIDER), moves, sizing_mode="stretch_width", styles=WRAPPED))
        self._new_ends()
        self._paint()

    @property
    def place(self) -> Place:
        """Returns what the widgets say."""
        year = float(self.year.value) if self._explorer.generator.years else None
        amounts = tuple(float(slider.value) for slider in self.directions)
        return Place(*self._chosen, float(self.along.value), year, float(self.psi.value), amounts)

    @property
    def _chosen(self) -> tuple[End, End]:
        return _end(self.first, self.first_seed), _end(self.last, self.last_seed)

    def _new_ends(self) -> None:
        self.first_seed.visible, self.last_seed.visible = self.first.value == "", self.last.value == ""
        explorer = self._explorer
        names = [CHANCE if end.painting is None else explorer.paintings[end.painting].title for end in self._chosen]
        ends = [_captioned(explorer.image_of(end), f"{title}: {name}") for end, title, name in zip(self._chosen, ENDS, names)]
        self.ends.text = f'<div style="display: flex; gap: 8px">{"".join(ends)}</div>'
        self._new_along()

    def _new_along(self) -> None:
        """Lets the year go along; it can be moved by itself from there."""
        year = self._explorer.year_between(Place(*self._chosen, float(self.along.value)))
        if year is not None:
            self.year.value = min(max(year, self.year.start), self.year.end)
        self._ask()

    def _zero(self) -> None:
        for slider in self.directions:
            slider.value = 0

    def _ask(self) -> None:
        """Asks for the image once, however many widgets have moved: what moves fast is not painted at every place."""
        if not self._asked:
            self._asked = True
            self._document.add_next_tick_callback(self._paint)

    def _paint(self) -> None:
        self._asked = False
        self.image.text = _picture(self._explorer.image(self.place), LARGE, "the image at this place")

    def _save(self) -> None:
        try:
            said = f"Saved as {self._explorer.save(self.place, self._folder)}"
        except (OSError, UserError) as error:
            said = f"Not saved: {error}"
        self.said.text = html.escape(said)


def serve(explorer: Explorer, folder: pathlib.Path, port: int, said: Callable[[str], Any]) -> None:
    """Shows the page until Ctrl-C; `said` is told its address. `port` 0: any that is free. Raises UserError for one that is taken."""
    path = f"/{secrets.token_urlsafe(16)}"

    def visit(document: Document) -> None:
        Page(explorer, folder, document)

    try:
        server = Server({path: visit}, port=port, address=HERE, use_index=False, redirect_root=False)
    except OSError as error:
        raise UserError(f"--port={port}: {error.strerror}") from None
    # Bokeh has a list of origins, but none of hosts; Tornado, which it is made of, has.
    server._tornado.add_handlers(ELSEWHERE, [(".*", ErrorHandler, {"status_code": 403})])
    server.start()
    said(f"http://localhost:{server.port}{path}")  # the only origin that Bokeh's server talks to
    try:
        server.io_loop.start()
    except KeyboardInterrupt:
        server.stop()


def _end(select: Select, seed: Spinner) -> End:
    return End(int(select.value)) if select.value else End(seed=int(seed.value or 0))


def _direction(place: int, correlation: float) -> str:
    return f"Direction {place + 1}" + ("" if np.isnan(correlation) else f" (with time: {correlation:+.2f})")


def _captioned(image: np.ndarray, title: str) -> str:
    caption = f'<figcaption style="overflow-wrap: anywhere">{html.escape(title)}</figcaption>'
    return f'<figure style="margin: 0; width: {SMALL}px">{_picture(image, SMALL, title)}{caption}</figure>'


def _picture(image: np.ndarray, size: int, title: str) -> str:
    """Returns uint8 [r, r, 3] as HTML, `size` pixels wide."""
    file = io.BytesIO()
    iio.imwrite(file, pictures.enlarged(image, size), extension=".png")
    source, title = base64.b64encode(file.getvalue()).decode(), html.escape(title, quote=True)
    shape = f'width="{size}" height="{size}" style="max-width: 100%; height: auto"'
    return f'<img src="data:image/png;base64,{source}" {shape} alt="{title}" title="{title}">'
