"""What the compiler is told: only what it knows, and without another result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax import compiler


def test_options_that_the_compiler_does_not_know_are_left_out(monkeypatch):
    unknown = {"xla_no_such_option": "1"}
    assert not compiler.known(unknown)
    for backend, name in (("cpu", "PRODUCTS_ALONE"), ("gpu", "LIBRARY_PRODUCTS")):
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        monkeypatch.setattr(compiler, name, unknown)
        assert compiler.options.__wrapped__(True) is None
    assert compiler.known({"xla_cpu_enable_fast_math": False})


@pytest.mark.parametrize(
    "backend, library_products, expected",
    [
        ("gpu", True, "LIBRARY_PRODUCTS"),
        ("gpu", False, ""),
        ("tpu", True, ""),
        ("cpu", True, "PRODUCTS_ALONE"),
        ("cpu", False, "PRODUCTS_ALONE"),
    ],
)
def test_each_kind_of_device_is_told_what_is_of_it(monkeypatch, backend, library_products, expected):
    wanted = getattr(compiler, expected) if expected else None
    if wanted and not compiler.known(wanted):
        pytest.skip("this version's compiler doesn't know it")
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert compiler.options.__wrapped__(library_products) == wanted


def test_what_the_user_tells_the_compiler_holds(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_enable_triton_gemm=true")
    assert compiler.options.__wrapped__(True) is None


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
