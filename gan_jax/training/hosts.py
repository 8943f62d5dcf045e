"""Several processes that train as one: the only file that knows jax.distributed.

Each has its own devices and does the same as the others; only the primary process writes. What depends on a clock, a signal or a disk is
decided for all, here.
"""

import inspect
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.errors import UserError

HEARTBEAT_SECONDS = 30  # after which a process that says nothing is lost
JOIN_SECONDS = 300  # in which all have to come
WAIT_SECONDS = 7 * 24 * 3600  # at the end, for process 0, which goes on with the stages after the training


def join(hosts: str, coordinator: str, host: int) -> None:
    """Makes this process one of several, before anything asks JAX for its devices.

    Args:
      hosts: how many there are; "auto" on SLURM, TPU pods and whatever else tells JAX of the others.
      coordinator: address and port of process 0, which all can reach.
      host: which one this is, from 0.

    Raises UserError where that is not said, or the others don't come.
    """
    settings: dict[str, Any] = {}
    if hosts != "auto":
        if not hosts.isdigit() or int(hosts) < 1:
            raise UserError(f"--hosts={hosts}: a number, or auto")
        if int(hosts) == 1:
            return
        if not coordinator or not 0 <= host < int(hosts):
            raise UserError(f"--hosts={hosts}: --coordinator=ADDRESS:PORT of the first is needed, and --host=0 to {int(hosts) - 1}")
        settings = {"coordinator_address": coordinator, "num_processes": int(hosts), "process_id": host}
    timeouts: dict[str, Any] = dict(initialization_timeout=JOIN_SECONDS, heartbeat_timeout_seconds=HEARTBEAT_SECONDS)
    if "shutdown_timeout_seconds" in inspect.signature(jax.distributed.initialize).parameters:  # since jax 0.8
        timeouts["shutdown_timeout_seconds"] = WAIT_SECONDS
    try:
        jax.distributed.initialize(**settings, **timeouts)
    except (RuntimeError, ValueError) as error:
        raise UserError(f"--hosts={hosts}: {' '.join(str(error).split())[:200]}") from None


def count() -> int:
    return jax.process_count()


def index() -> int:
    return jax.process_index()


def is_primary() -> bool:
    """Returns whether this process writes."""
    return jax.process_index() == 0


def agree(*values: int) -> tuple[int, ...]:
    """Returns the greatest that any process has of each value. All have to ask."""
    if count() == 1:
        return values
    return tuple(multihost_utils.process_allgather(np.array(values, np.int32)).max(axis=0).tolist())


def of_primary(tree: Any) -> Any:
    """Returns a tree of arrays as process 0 has it. All have to ask, with the same shapes and types."""
    return tree if count() == 1 else multihost_utils.broadcast_one_to_all(tree)
