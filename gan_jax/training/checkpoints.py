"""Checkpoints: the only file that knows orbax."""

import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import orbax.checkpoint as ocp

from gan_jax.errors import UserError

METRIC = "kid"


class Checkpoints:
    """The checkpoints of one training, named by the images seen. Saving goes on in the background; leaving the block waits for it."""

    def __init__(self, folder: pathlib.Path, keep: int | None = None):
        """`keep` is how many of the latest stay, and the best one; None: all, for reading."""
        policies = ocp.checkpoint_managers.preservation_policy
        staying = policies.PreserveAll()
        if keep is not None:
            best = policies.BestN(n=1, get_metric_fn=_merit, keep_checkpoints_without_metrics=False)
            staying = policies.AnyPreservationPolicy([policies.LatestN(n=keep), best])
        options = ocp.CheckpointManagerOptions(
            preservation_policy=staying, best_fn=_merit, best_mode="max", create=keep is not None, step_prefix="images"
        )
        handlers = {"state": ocp.StandardCheckpointHandler(), "about": ocp.JsonCheckpointHandler()}
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options, item_handlers=handlers)

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self._manager.close()

    def latest(self) -> int | None:
        """Images seen by the latest checkpoint, None if there is none."""
        return self._manager.latest_step()

    def best(self) -> int | None:
        """Images seen by the checkpoint with the least KID, or by the latest where none was measured; None if there is none."""
        best = self._manager.best_step()
        return self.latest() if best is None else best

    def save(self, images_seen: int, state: Any, about: Mapping[str, Any], kid: float | None = None) -> None:
        """Saves a tree of arrays, and what a reader should know of it as JSON. `kid`, where it was measured, is what the best has least."""
        self._manager.save(
            images_seen,
            args=ocp.args.Composite(state=ocp.args.StandardSave(state), about=ocp.args.JsonSave(about)),
            metrics=None if kid is None else {METRIC: kid},
        )

    def restore(self, images_seen: int, like: Any) -> Any:
        """The tree of a checkpoint, with the shapes, types and placement of `like`. Raises UserError where they differ."""
        there = _shapes(self._manager.item_metadata(images_seen).state)
        here = _shapes(like)
        if there != here:
            name = next(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
            raise UserError(
                f"{self._manager.directory}: checkpoint {images_seen} is not of this config's networks "
                f"({name} is {there.get(name, 'missing')} there and {here.get(name, 'missing')} here)"
            )
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        return self._manager.restore(images_seen, args=ocp.args.Composite(state=ocp.args.StandardRestore(abstract))).state

    def about(self, images_seen: int) -> dict[str, Any]:
        """What `save` was told of a checkpoint."""
        return self._manager.restore(images_seen, args=ocp.args.Composite(about=ocp.args.JsonRestore())).about


def _merit(metrics: Mapping[str, float]) -> float:
    return -metrics[METRIC]


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    """Shapes by name; attributes, keys and indices are named alike, since orbax keeps a tree of dicts."""
    leaves = jax.tree_util.tree_leaves_with_path(tree, is_leaf=lambda x: hasattr(x, "shape"))
    return {
        ".".join(str(getattr(part, "name", getattr(part, "key", getattr(part, "idx", "")))) for part in path): tuple(leaf.shape)
        for path, leaf in leaves
    }
