"""Augments what the discriminator sees, real and generated alike, so that a few hundred images can't be learnt by heart.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", https://arxiv.org/abs/2006.06676 (adaptive strength,
sections 2 and 3), and Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training",
https://arxiv.org/abs/2006.10738 (colour, translation, cut-out). Each kind is left out of some images: as long as the strength is below
1, the generator does not learn to paint augmented ones.

Moves and zooms are products with interpolation matrices, one for the rows and one for the columns of each image: exact where nothing
moves, differentiable, and no gather. Where nothing is zoomed, moves are by whole pixels, as in Zhao et al.: in between, a third of the
finest octave would be gone, and with it what tells strokes from fog.
"""

import flax
import jax
import jax.numpy as jnp
from jax import Array

KINDS = ("colour", "translation", "zoom", "cutout", "turn")
MOVES = ("translation", "zoom")  # the kinds that show the same at another place and of another size

# Standard deviations in doublings, but for the brightness: those of Karras et al., appendix B.
BRIGHTNESS = 0.2  # of the range -1 to 1
CONTRAST = 0.5
SATURATION = 1.0
ZOOM = 0.2
STRETCH = 0.1  # of the width against the height
SHIFT = 0.125  # the furthest move, in parts of the side
HOLE = 0.5  # side of what is cut out, in parts of the image's
LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709
PRECISE = jax.lax.Precision.HIGHEST
MEMORY = 0.99  # of the statistic, a step

Chances = dict[str, dict[str, Array]]  # by kind: "gate" [n, 3], 0 to 1, "normal" [n, 3] and "uniform" [n, 2], -1 to 1


@flax.struct.dataclass
class Augmentation:
    """What training remembers of it."""

    strength: Array  # [], the probability that a kind touches an image
    overfitting: Array  # [], the statistic that steers it, a moving average
    border: Array  # [], the score between real and generated images


def begin(mode: str, strength: float) -> Augmentation:
    return Augmentation(jnp.float32(strength if mode == "fixed" else 0.0), jnp.float32(0.0), jnp.float32(0.0))


def draw(key: Array, n: int, kinds: tuple[str, ...]) -> Chances:
    """Returns the chances of n images: whatever the strength, so that it can move without another program."""
    keys = dict(zip(KINDS, jax.random.split(key, len(KINDS))))
    chances = {}
    for kind in kinds:
        gate, first, second = jax.random.split(keys[kind], 3)
        normal = jax.random.normal(first, (n, 3))
        uniform = jax.random.uniform(second, (n, 2), minval=-1.0)
        chances[kind] = {"gate": jax.random.uniform(gate, (n, 3)), "normal": normal, "uniform": uniform}
    return chances


def augment(images: Array, chances: Chances, strength: Array, colour: float = 1.0) -> Array:
    """Returns images [n, r, r, 3] as the discriminator sees them, of the same shape; with a strength of 1 all are touched. `colour`: of the
    usual changes of contrast and saturation."""
    turn, colours = chances.get("turn"), chances.get("colour")
    if turn is not None:
        images = _turned(images, (turn["normal"] > 0) & (turn["gate"][:, :1] < strength))
    if colours is not None:
        amounts = jnp.array([[BRIGHTNESS, CONTRAST * colour, SATURATION * colour]]) * colours["normal"]
        images = _coloured(images, jnp.where(colours["gate"][:, :1] < strength, amounts, 0.0))
    if "translation" in chances or "zoom" in chances:
        images = _moved(images, *_placement(chances, strength, *images.shape[:2]))
    cut = chances.get("cutout")
    if cut is not None:
        images = _cut(images, cut["uniform"], cut["gate"][:, 0] < strength)
    return images


def _turned(images: Array, by: Array) -> Array:
    """Upside down, mirrored, with the axes exchanged, each where `by` [n, 3] says so: together all the ways a square can lie."""
    ways = (lambda x: x[:, ::-1], lambda x: x[:, :, ::-1], lambda x: x.swapaxes(1, 2))
    for i, way in enumerate(ways):
        images = jnp.where(by[:, i, None, None, None], way(images), images)
    return images


def _coloured(images: Array, by: Array) -> Array:
    """Brighter, with more contrast and more saturated by amounts [n, 3], the last two in doublings."""
    brightness, contrast, saturation = (by[:, i, None, None, None] for i in range(3))
    images = (images + brightness) * 2**contrast
    grey = jnp.einsum("nhwc,c->nhw", images, jnp.array(LUMINANCE), precision=PRECISE)[..., None]
    # Written so that amounts of zero leave the image exactly as it is.
    return images + (2**saturation - 1) * (images - grey)


def _placement(chances: Chances, strength: Array, n: int, size: int) -> tuple[Array, Array]:
    """Returns steps between the points that are seen and moves, in pixels, both [n, 2]: of the rows and the columns."""
    scale, shift = jnp.ones((n, 2)), jnp.zeros((n, 2))
    if "zoom" in chances:
        zoom = chances["zoom"]
        by = jnp.where(zoom["gate"][:, :2] < strength, zoom["normal"][:, :2], 0.0)
        scale = 2 ** (ZOOM * by[:, :1] + STRETCH * by[:, 1:] * jnp.array([[1.0, -1.0]]))
    if "translation" in chances:
        move = chances["translation"]
        by = SHIFT * size * move["uniform"]
        shift = jnp.where(move["gate"][:, :1] < strength, by if "zoom" in chances else jnp.round(by), 0.0)
    return scale, shift


def _moved(images: Array, scale: Array, shift: Array) -> Array:
    rows, columns = (_interpolation(images.shape[1], scale[:, i], shift[:, i]) for i in range(2))
    images = jnp.einsum("nij,njwc->niwc", rows, images, precision=PRECISE)
    return jnp.einsum("nij,nhjc->nhic", columns, images, precision=PRECISE)


def _interpolation(size: int, scale: Array, shift: Array) -> Array:
    """Returns matrices [n, size, size] that read a line of pixels at other places, in between them linearly; beyond its ends it is
    mirrored."""
    middle = (size - 1) / 2
    place = (jnp.arange(size, dtype=jnp.float32) - middle)[None] * scale[:, None] + middle + shift[:, None]
    place = jnp.mod(place + 0.5, 2 * size)
    place = jnp.clip(jnp.minimum(place, 2 * size - place) - 0.5, 0, size - 1)
    return jax.nn.relu(1 - jnp.abs(place[:, :, None] - jnp.arange(size, dtype=jnp.float32)[None, None]))


def _cut(images: Array, middle: Array, on: Array) -> Array:
    """Grey squares at places [n, 2] in -1 to 1, in the images that are `on` [n]."""
    size = images.shape[1]
    place = (jnp.arange(size, dtype=jnp.float32) + 0.5) / size * 2 - 1
    inside = jnp.abs(place[None, None] - middle[:, :, None]) < HOLE  # [n, 2, size]
    hole = inside[:, 0, :, None] & inside[:, 1, None, :] & on[:, None, None]
    return jnp.where(hole[..., None], 0.0, images)


def overfitting(real: Array, border: Array) -> Array:
    """Returns how surely the discriminator knows real images, of their scores [n]: 1 where it always does, about 0 where it guesses.

    What Karras et al. call r_t: the mean sign of the score, seen from the border between real and generated.
    """
    return jnp.sign(real - border).mean()


def steer(state: Augmentation, seen: Array, border: Array, target: float, batch_size: int, kimg: float) -> Augmentation:
    """Returns what is remembered after a step: more strength while the statistic is above its target, from none to full in so many kimg.

    seen: the statistic of the step, []. border: see `losses.border`.
    """
    average = state.overfitting * MEMORY + seen * (1 - MEMORY)
    change = jnp.sign(average - target) * (batch_size / (1000 * kimg))
    return Augmentation(jnp.clip(state.strength + change, 0.0, 1.0), average, border)
