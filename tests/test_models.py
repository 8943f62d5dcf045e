"""The networks give the papers' mathematics."""

import math
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.models import dcgan, layers, pggan, reference

GOLDEN = pathlib.Path(__file__).parents[2] / "shared" / "golden"
ONE = jnp.float32(1)


def random(key: int, *shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(key), shape)


def plain_conv(x, kernel, strides=1, padding="SAME", transposed=1):
    return jax.lax.conv_general_dilated(
        x, kernel, (strides, strides), padding, lhs_dilation=(transposed, transposed), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def test_scaling_inside_a_convolution_is_scaling_apart_from_it():
    x, kernel = random(0, 2, 6, 6, 5), random(1, 3, 3, 5, 7)
    np.testing.assert_allclose(layers.upscale_conv(x, kernel), plain_conv(layers.enlarge(x), kernel), atol=1e-4)
    np.testing.assert_allclose(layers.conv_downscale(x, kernel), layers.reduce(plain_conv(x, kernel)), atol=1e-4)


def test_phases_are_the_dilated_convolutions_that_they_replace():
    x, kernel = random(0, 2, 6, 6, 5), random(1, 4, 4, 5, 7)
    np.testing.assert_allclose(layers.strided_conv(x, kernel), plain_conv(x, kernel, 2, ((1, 1), (1, 1))), atol=1e-4)
    transposed = plain_conv(x, kernel[::-1, ::-1], 1, ((2, 2), (2, 2)), transposed=2)
    np.testing.assert_allclose(layers.transposed_conv(x, kernel), transposed, atol=1e-4)


def test_enlarge_and_reduce_agree_with_numpy():
    x = np.asarray(random(0, 2, 4, 4, 3))
    np.testing.assert_array_equal(layers.enlarge(jnp.asarray(x)), np.repeat(np.repeat(x, 2, 1), 2, 2))
    np.testing.assert_allclose(layers.reduce(layers.enlarge(jnp.asarray(x))), x, atol=1e-6)


def test_pixel_norm_leaves_a_mean_square_of_one():
    np.testing.assert_allclose((layers.pixel_norm(5 * random(0, 3, 64)) ** 2).mean(-1), 1, atol=1e-4)


def test_minibatch_stddev_by_hand():
    x = np.asarray(random(0, 8, 2, 2, 3))
    got = np.asarray(layers.minibatch_stddev(jnp.asarray(x)))
    for i in range(8):
        group = x[[j for j in range(8) if j % 2 == i % 2]]
        np.testing.assert_allclose(got[i, ..., 3], np.full((2, 2), group.std(axis=0).mean()), atol=1e-5)
    np.testing.assert_array_equal(got[..., :3], x)
    with pytest.raises(ValueError, match="6 images"):
        layers.minibatch_stddev(jnp.zeros((6, 2, 2, 3)))


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the reference's outputs are not here; see the golden table below")
@pytest.mark.parametrize("scaling", ["fused", "plain"])
def test_pggan_gives_the_outputs_of_the_reference(scaling):
    golden = dict(np.load(GOLDEN / f"golden_32_{scaling}.npz"))

    def variables(player):
        return {k.removeprefix(f"var/{player}/"): v for k, v in golden.items() if k.startswith(f"var/{player}/")}

    sizes = dict(resolution=32, fmap_base=256, fmap_max=32)
    generator, discriminator = pggan.Generator(latent_size=48, **sizes), pggan.Discriminator(fused_scale=scaling == "fused", **sizes)
    g = {"params": reference.generator_params(variables("G"), 32)}
    d = {"params": reference.discriminator_params(variables("D"), 32)}
    reals = jnp.asarray(golden["images_nchw"].transpose(0, 2, 3, 1))
    lods = sorted(float(k.removeprefix("G/lod=")) for k in golden if k.startswith("G/lod="))
    assert lods == [0, 0.3, 1, 1.6, 3]
    for lod in lods:
        level, alpha = 5 - math.floor(lod), jnp.float32(1 - lod % 1)
        times = 2 ** (5 - level)
        images = layers.enlarge(generator.apply(g, jnp.asarray(golden["latents"]), level=level, alpha=alpha), times)
        np.testing.assert_allclose(images.transpose(0, 3, 1, 2), golden[f"G/lod={lod:g}"], atol=1e-4)
        scores = discriminator.apply(d, layers.reduce(reals, times), level=level, alpha=alpha)
        np.testing.assert_allclose(scores, golden[f"D/lod={lod:g}/scores"][:, 0], atol=1e-4)


def count(tree) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


# Parameters by hand from table 2 of the papers. PGGAN at 128 px: 512 channels to 32 px, then 256 and 128.
def _conv(a, b, k=3):
    return k * k * a * b + b


PGGAN_128 = {
    "generator": 512 * 16 * 512 + 512 + _conv(512, 512)
    + 3 * 2 * _conv(512, 512) + _conv(512, 256) + _conv(256, 256) + _conv(256, 128) + _conv(128, 128)
    + 4 * _conv(512, 3, 1) + _conv(256, 3, 1) + _conv(128, 3, 1),
    "discriminator": 4 * _conv(3, 512, 1) + _conv(3, 256, 1) + _conv(3, 128, 1)
    + _conv(128, 128) + _conv(128, 256) + _conv(256, 256) + _conv(256, 512) + 3 * 2 * _conv(512, 512)
    + _conv(513, 512) + 512 * 16 * 512 + 512 + 512 + 1,
}  # fmt: skip
DCGAN_64 = {
    "generator": 100 * 16 * 512 + 2 * 512 + 16 * (512 * 256 + 256 * 128 + 128 * 64 + 64 * 3) + 2 * (256 + 128 + 64),
    "discriminator": 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 2 * (128 + 256 + 512),
}


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_parameter_counts_are_those_of_the_papers(player):
    inputs = {"generator": lambda size, r: jnp.zeros((4, size)), "discriminator": lambda size, r: jnp.zeros((4, r, r, 3))}[player]
    for module, size, resolution, expected in ((pggan, 512, 128, PGGAN_128), (dcgan, 100, 64, DCGAN_64)):
        network = getattr(module, player.capitalize())(resolution=resolution)
        variables = jax.eval_shape(lambda x: network.init(jax.random.key(0), x, level=int(math.log2(resolution)), alpha=ONE),
                                   inputs(size, resolution))  # fmt: skip
        assert count(variables["params"]) == expected[player]


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_active_names_exactly_the_parameters_that_have_a_gradient(level):
    generator = pggan.Generator(resolution=32, latent_size=8, fmap_base=64, fmap_max=8)
    discriminator = pggan.Discriminator(resolution=32, fmap_base=64, fmap_max=8)
    g = generator.init(jax.random.key(0), random(1, 4, 8), level=5, alpha=ONE)["params"]
    d = discriminator.init(jax.random.key(0), random(1, 4, 32, 32, 3), level=5, alpha=ONE)["params"]

    def score(g, d):
        images = generator.apply({"params": g}, random(1, 4, 8), level=level, alpha=jnp.float32(0.5))
        return discriminator.apply({"params": d}, images, level=level, alpha=jnp.float32(0.5)).sum()

    for network, gradients in zip((generator, discriminator), jax.grad(score, (0, 1))(g, d)):
        moved = {name for name, tree in gradients.items() if any(np.any(np.asarray(x) != 0) for x in jax.tree.leaves(tree))}
        assert moved == network.active(level)


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_dcgan_makes_and_judges_images_of_its_resolution(resolution):
    level = int(math.log2(resolution))
    generator, discriminator = dcgan.Generator(resolution, 8, width=2), dcgan.Discriminator(resolution, width=2)
    g = generator.init(jax.random.key(0), random(1, 4, 8), level=level, alpha=ONE)
    images, moved = generator.apply(g, random(1, 4, 8), level=level, alpha=ONE, train=True, mutable=["batch_stats"])
    assert images.shape == (4, resolution, resolution, 3) and np.abs(images).max() <= 1
    assert any(np.any(a != b) for a, b in zip(jax.tree.leaves(g["batch_stats"]), jax.tree.leaves(moved["batch_stats"])))
    d = discriminator.init(jax.random.key(0), images, level=level, alpha=ONE)
    assert discriminator.apply(d, images, level=level, alpha=ONE).shape == (4,)
