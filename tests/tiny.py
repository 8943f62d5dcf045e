"""The config of the studies that tests make."""

from ml_collections import ConfigDict

from gan_jax import demo_config


def tiny_config() -> ConfigDict:
    """Of a study that is done in seconds, without films of its pairs and walks."""
    config = demo_config.get_config()
    config.training.paintings_batch = 8
    config.collection.update(resolution=16, min_paintings=8)
    config.collection.painter.paintings = 48
    config.model.update(latent_size=8, width=4, convolutions=1)
    config.training.update(
        augment="none", total_kimg=0.128, batch_size=16, log_every_kimg=0.032, sample_every_kimg=0.064, checkpoint_every_kimg=0.064
    )
    config.inversion.update(steps=4, candidates=32)
    config.inversion.calibration = 8
    config.morphing.update(frames=3, size=32, stations=3, formats=("gif",), films=0)
    config.tuning.steps = 4
    config.sampling.update(images=32, walk=0)
    config.evaluation.repeats = 2
    return config
