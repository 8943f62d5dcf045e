"""Programs for devices that are not here: an operation that a TPU or a GPU can't do, a shape that is not fixed, 64 bits."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import Mesh
from test_training import IMAGES, NO_LABELS, tiny

from gan_jax.latents import search, tuning
from gan_jax.metrics import features, texture
from gan_jax.models import networks, projected
from gan_jax.models.generator import Critic, Features, Generator, _quantised
from gan_jax.models.likeness import Weights
from gan_jax.training import loop
from gan_jax.training.state import Data, init_state
from gan_jax.training.step import make_step

PLATFORMS = ("tpu", "cuda")
WEIGHTS = Weights(1.0, 0.3, 1.0)


def lowered(program, *arguments) -> str:
    text = program.trace(*arguments).lower(lowering_platforms=PLATFORMS).as_text()
    assert not re.search(r"tensor<[^>]*(f64|\?)", text)
    # Whole numbers of 64 bits are for places alone, which compilers narrow; none is computed with by the million.
    assert not re.search(r"tensor<\d{4,}[^>]*i64", text)
    return text


def opened(model: str, batch_norm: bool) -> tuple[Generator, Critic]:
    config = tiny(first_resolution=16)
    config.model.update(name=model, smooth=True, smooth_discriminator=True, local_contrast=True, batch_norm=batch_norm, noise=True)
    g, d = networks.build(config.model, 16, jnp.bfloat16)
    state = init_state(g, d, 4, 0)
    at = dict(level=4, alpha=jnp.float32(1))
    params = networks.variables(state.ema_params, state.ema_stats)
    critic = Critic(networks.variables(state.discriminator.params, state.discriminator.stats), Features(d, 4, 1.0))
    return Generator("here", g.latent_size, 16, params, lambda variables, z: g.apply(variables, z, **at), critic=critic), critic


@pytest.fixture(scope="module", params=[*((name, False) for name in networks.NETWORKS), ("pggan", True)])
def generator(request) -> Generator:
    return opened(*request.param)[0]


@pytest.mark.parametrize(
    "model, level, loss",
    [
        ("pggan", 2, "wgan-gp"),
        ("pggan", 3, "non-saturating"),
        ("pggan", 4, "wgan-gp"),
        ("pggan", 4, "non-saturating"),
        ("dcgan", 4, "hinge"),
    ],
)
def test_steps(model, level, loss):
    config = tiny(first_resolution=4, loss=loss, augment="adaptive", r1=1.0)
    config.model.update(name=model, smooth=True, noise=True)
    g, d = networks.build(config.model, 16, jnp.bfloat16, "devices")
    step = make_step(g, d, loop.step_settings(config.training), level=level, batch_size=16, devices=1)
    state = jax.tree.map(lambda x: x[None], init_state(g, d, 4, 0, "adaptive", 0.0))
    data = Data(IMAGES[:, : 2**level, : 2**level], NO_LABELS, np.int32(0))
    mapped = jax.jit(jax.vmap(step, in_axes=(0, None, None, None), axis_name="devices"))
    text = lowered(mapped, state, data, np.float32(0.5), np.float32(1e-3))
    assert "stablehlo.convolution" in text and "bf16" in text


def test_steps_with_a_second_discriminator():
    second = dict(projected_discriminator=1.0, projected_resolution=32, paintings=1.0, paintings_batch=8, paintings_forms=1.0)
    config = tiny(first_resolution=4, augment="adaptive", **second)
    config.model.update(name="dcgan", year=True)
    g, d = networks.build(config.model, 16, jnp.bfloat16, "devices")
    step = make_step(g, d, loop.step_settings(config.training), level=4, batch_size=16, devices=1)
    state = jax.tree.map(lambda x: x[None], init_state(g, d, 4, 0, "adaptive", 0.0, len(IMAGES), side=32))
    data = Data(IMAGES, np.zeros((len(IMAGES), 1), np.float32), np.int32(0), projected.frozen())
    mapped = jax.jit(jax.vmap(step, in_axes=(0, None, None, None), axis_name="devices"))
    lowered(mapped, state, data, np.float32(1), np.float32(1e-3))


def test_a_generator_whose_channels_are_weighed():
    config = tiny()
    config.model.update(name="dcgan", width=2, excitation=True, convolutions=2)
    g = networks.build(config.model, 64, jnp.bfloat16)[0]
    z = jnp.zeros((8, g.latent_size))
    variables = jax.eval_shape(lambda: g.init(jax.random.key(0), z, level=6, alpha=jnp.float32(1)))
    lowered(jax.jit(lambda v, z: g.apply(v, z, level=6, alpha=jnp.float32(1))), variables, z)


def test_sampling(generator):
    lowered(_quantised(generator.apply), generator.params, jnp.zeros((8, generator.latent_size)))


def test_inversion(generator):
    settings = search.Settings(20, 2, 16, 0.1, 0.1, 10, 8, WEIGHTS, 0)
    programs = search.programs_of(generator.apply, generator.critic.features, settings, 0)
    z, target = jnp.zeros((8, generator.latent_size)), jnp.zeros((8, 16, 16, 3))
    params, critic, key = generator.params, generator.critic.params, jax.random.key(0, impl="rbg")
    lowered(programs.begin, critic, z, target)
    lanes = jax.eval_shape(programs.begin, critic, z, target)
    lowered(programs.fill, critic, lanes, jnp.zeros(8, bool), z, target)
    lowered(programs.step, params, critic, lanes, key, np.int32(0))


@pytest.mark.parametrize("optimizer, kept_by", [("adam", {"adam"}), ("muon", {"adam", "muon"})])
def test_tuning(generator, optimizer, kept_by):
    mesh = Mesh(np.array(jax.local_devices()[:1]), ("groups",))
    begin, step = tuning._programs(
        generator.apply, generator.critic.features, tuning.Settings(20, optimizer, 1e-3, 0.3, 2.0, WEIGHTS), mesh, 0
    )
    before, kept = tuning._split(generator.params)
    z, target = jnp.zeros((1, 4, generator.latent_size)), jnp.zeros((1, 4, 16, 16, 3))
    critic = generator.critic.params
    lowered(begin, target, before, critic)
    trained, state, seen = jax.eval_shape(begin, target, before, critic)
    names = {optax.ScaleByAdamState: "adam", optax.contrib.MuonState: "muon"}
    parts = jax.tree.leaves(state, is_leaf=lambda part: type(part) in names)
    assert {names[type(part)] for part in parts if type(part) in names} == kept_by
    others = jnp.zeros((tuning.OTHERS, generator.latent_size))
    lowered(step, trained, state, z, target, seen, before, kept, critic, others, np.int32(0))


def test_features(generator):
    images = jnp.zeros((8, 16, 16, 3), jnp.uint8)
    lowered(texture._lab, images)
    lowered(texture._measured, *jnp.zeros((3, 8, 16, 16)))
    lowered(features._summary_of(generator.critic.features), generator.critic.params, jnp.zeros((8, 16, 16, 3)))
