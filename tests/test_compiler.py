"""What the compiler is told: only what it knows, and without another result."""

import jax
import jax.numpy as jnp
import numpy as np
from test_schedule import config_file

from gan_jax import compiler
from gan_jax.training import devices, loop


def test_options_that_the_compiler_does_not_know_are_left_out(monkeypatch):
    unknown = {"xla_no_such_option": "1"}
    assert not compiler.known(unknown)
    for backend, name in (("cpu", "PRODUCTS_ALONE"), ("gpu", "QUICK_CHOICE")):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        monkeypatch.setattr(compiler, name, unknown)
        assert compiler.options.__wrapped__() is None
    assert compiler.known({"xla_cpu_enable_fast_math": False})


def test_each_kind_of_device_is_told_what_is_of_it(monkeypatch):
    for backend, quick, expected in (("gpu", True, compiler.QUICK_CHOICE), ("gpu", False, None), ("tpu", True, None)):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        assert compiler.options.__wrapped__(quick) == expected
    assert compiler.known(compiler.QUICK_CHOICE)  # by this version's compiler, which knows the options of all devices


def test_a_program_is_compiled_as_quickly_as_it_is_asked_for(monkeypatch):
    asked: list[bool] = []
    monkeypatch.setattr(devices.compiler, "options", lambda quick: asked.append(quick))

    for quick in (True, False):

        def step(state, x):
            return state + x, state

        program = devices.Program(step, *devices.replicate((jnp.ones(2), jnp.ones(2))), quick=quick)
        np.testing.assert_array_equal(program(*devices.replicate((jnp.ones(2), jnp.ones(2))))[0], 2 * np.ones(2))
    assert asked == [True, False]


def test_trainings_of_minutes_are_compiled_quickly_and_those_of_hours_are_not():
    short = {name: loop.is_short(config_file(name).get_config().training) for name in ("van_gogh", "demo", "pggan", "dcgan")}
    assert short == {"van_gogh": True, "demo": True, "pggan": False, "dcgan": False}


def test_products_and_convolutions_are_as_exact_with_the_options_as_without():
    rng = np.random.default_rng(0)
    x, k = rng.normal(size=(4, 16, 16, 24)), rng.normal(size=(40, 3, 3, 24))
    product, convolved = x[..., None, :] @ k[:, 1, 1].T, np.zeros((4, 14, 14, 40))
    for i in range(3):
        for j in range(3):
            convolved += x[:, i : i + 14, j : j + 14] @ k[:, i, j].T

    def both(x, k):
        numbers = ("NHWC", "OHWI", "NHWC")
        return jnp.einsum("nhwc,dc->nhwd", x, k[:, 1, 1]), jax.lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=numbers)

    for options in (None, compiler.options()):
        program = jax.jit(both, compiler_options=options)
        for made, expected in zip(program(*(jnp.asarray(a, jnp.float32) for a in (x, k))), (product[..., 0, :], convolved)):
            np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4)
