"""The settings of a study: one table, from which all that knows a setting is made.

From it come the default config (`default_config.py`), its checks (`config.py`), `--help`, completion and docs/settings.md:

    python -m gan_jax.settings > docs/settings.md
"""

from typing import Any

from gan_jax.fields import INF, Field, flag, integer, one_of, real, section, shown, some_of, text

ANY_SEED = 2**31 - 8  # some are added to what is given
MOST_KIMG = 2_000_000  # images seen are counted in 32 bits
RESOLUTIONS = tuple(2**level for level in range(2, 11))  # 4 to 1024
BY_RESOLUTION = tuple(f"r{resolution}" for resolution in RESOLUTIONS)
OPEN_SECTION = "collection.periods"  # in which fields of any name may stand beside those of the table: text, as theirs

# A line: name, default, least and greatest or choices, what it is.
# fmt: off
SETTINGS: tuple[Field, ...] = (
    integer("seed", 0, 0, ANY_SEED, "of all that is drawn by chance"),
    text("generator", "", 'what paints: a file of pretrained networks by the authors of Progressive GAN; "": those trained here'),

    *section("collection",
        one_of("source", "painter", ("painter", "folder", "tfds"),
               "the built-in painter, a table and a folder of images, or a dataset of TFDS, whose images have no dates"),
        text("table", "", "CSV, TSV, JSON or JSON Lines with a line or a record for each painting, or a folder of JSON files"),
        text("encoding", "", 'of the table, e.g. "cp932"; "": UTF-8, UTF-16, or guessed'),
        text("images", "", "folder of the images that the table names"),
        text("columns.file", "", 'of the table, that names the image; "": found by usual names'),
        text("columns.title", "", 'of the table; "": found by usual names'),
        text("columns.date", "", 'of the table; "": found by usual names'),
        text("where", "", 'rows to keep, e.g. "genre=landscape|still life; place=Arles"; "": all'),
        text("tfds", "", 'a dataset that TFDS has prepared here, "celeb_a" or "food101:2.0.0", or its folder'),
        text("tfds_folder", "", 'where such datasets lie; "": $TFDS_DATA_DIR, or ~/tensorflow_datasets'),
        text("tfds_split", "train", "which part of the dataset"),
        text("tfds_image", "", 'the feature that is an image; "": the only one'),
        one_of("resolution", 32, RESOLUTIONS[2:], "pixels a side"),
        one_of("fit", "crop", ("crop", "pad", "squash"), "how images become squares: the middle, all of it between bars, or squeezed"),
        integer("max_pixels", 150_000_000, 1, INF, "larger images are skipped, unread"),
        integer("near_duplicates", 8, -1, 64, "images that differ by up to so many of 64 bits are one painting; -1: exact copies only"),
        # What lies between is held out. Under any other name, as in periods.paris=1886..1887, stand paintings that are shown as a period.
        text("periods.early", "..1883", "years, both ends included; others: periods.NAME=1886..1887"),
        text("periods.late", "1887..", "years, both ends included"),
        text("period_column", "", 'of the table: periods are its values, as in periods.early="Nuenen|Antwerp"; "": years', new=True),
        one_of("uncertain", "leave out", ("leave out", "keep"),
               "paintings that may be of another period, or held out, by their dates; kept ones count by the middle", before="keep"),
        integer("min_paintings", 16, 8, INF, "of a period; fewer are an error, and evaluation says nothing about fewer than 8",
                was="min_works"),
        integer("painter.paintings", 360, 1, 10**6, "that the built-in painter paints", was="painter.works"),
        real("painter.first_year", 1880.0, -9999, 9999, "of the built-in painter"),
        real("painter.last_year", 1890.0, -9999, 9999, "of the built-in painter"),
        integer("painter.seed", 0, 0, INF, "of the built-in painter's chance"),
    ),

    *section("narrowing",
        integer("paintings", 100, 8, 10**6, "of each period, at most, that `narrow` proposes to train on", was="works"),
    ),

    *section("model",
        one_of("name", "dcgan", ("pggan", "dcgan"), "the networks: Progressive GAN or DCGAN"),
        integer("latent_size", 64, 1, 2**16, "numbers in a latent"),
        flag("conditional", False, "periods as labels: joined to the latents, and guessed by the discriminator"),
        flag("year", False, "the year as label: the generator paints it, and the discriminator compares with paintings of about that year"),
        integer("width", 32, 1, 2**16, "dcgan: channels next to the image"),
        integer("convolutions", 1, 1, 2, "dcgan: of the generator, at each doubling; a second, of 3x3, sees what the first has enlarged",
                new=True),
        integer("convolutions_up_to", 0, 0, 1024,
                "dcgan: pixels a side up to which there is the second of two convolutions; 0: all, those of the image too", new=True),
        flag("excitation", False, "dcgan: coarse layers of the generator weigh the channels of those three doublings finer; none at 32 px",
             new=True),
        flag("sync_batch_norm", True, "batch statistics over all devices"),
        integer("fmap_base", 8192, 1, 2**20, "pggan: channels are min(fmap_base / 2^stage, fmap_max)"),
        integer("fmap_max", 512, 1, 2**16, "pggan: see fmap_base"),
        flag("fused_scale", True, "pggan: scaling inside the discriminator's convolutions, as in the reference"),
        flag("smooth", False, "low-pass filters where the scale changes (dcgan: in the generator), as in StyleGAN, against grids"),
        flag("smooth_discriminator", False, "dcgan: such filters in the discriminator, before each layer but the first; pggan: see smooth",
             new=True),
        flag("local_contrast", False, "the discriminator also sees what is fine in images, as strong in dark parts as in light ones",
             new=True),
        flag("batch_norm", False, "pggan: batch norm in the discriminator, and a score straight from 4 px, as in a DCGAN", new=True),
        flag("noise", False, "a value of noise for each pixel and layer, as in StyleGAN, against repetitions in the brushwork"),
        integer("noise_from", 0, 0, 1024,
                "model.noise: only layers of so many pixels a side and more have some; 0: all; more than the image has: none", new=True),
    ),

    *section("training",
        one_of("period", "", ("", "early", "late"), 'learn its paintings alone; "": those of both periods'),
        real("total_kimg", 150.0, 0, MOST_KIMG, "thousands of images seen, the whole schedule"),
        one_of("first_resolution", 4, RESOLUTIONS, "pggan: pixels a side where growing starts"),
        real("stable_kimg", 600.0, 0, MOST_KIMG, "pggan: at each resolution before the last, after fading in"),
        real("fade_kimg", 600.0, 0, MOST_KIMG, "pggan: fading in a resolution"),
        integer("batch_size", 32, 1, 2**20, "images a step, over all devices"),
        integer("batch_size_by_resolution", 0, 0, 2**20, "at that resolution; 0: batch_size", keys=BY_RESOLUTION),
        real("learning_rate", 0.0002, 1e-12, INF, "of both Adams"),
        real("learning_rate_decay", 0.0, 0, 1, "part of the schedule, at its end, over which the learning rates fall to nothing", new=True),
        real("discriminator_rate", 1.0, 1e-6, INF, "the discriminator's learning rate, in parts of the generator's", new=True),
        real("discriminator_slowing", 0.0, 0, 0.999,
             "its rate is multiplied by 1 less so many times the augmentation's strength, which is 0 to 1; no effect without augmentation",
             new=True),
        real("projected_discriminator", 0.0, 0, INF,
             "weight of a second discriminator, which looks through a network that knows photographs (EfficientNet-Lite0); 0: none",
             new=True),
        one_of("projected_resolution", 128, (32, 64, 128, 160, 192, 224, 256),
               "pixels a side at which the second discriminator sees images; its network learnt at 224. More take longer", new=True),
        real("projected_rate", 1.0, 1e-6, INF, "its learning rate, in parts of the generator's; slowed as the first one's", new=True),
        real("projected_share", 1.0, 1e-6, 1, "part of a step's images, real and generated, that it sees; less is faster", new=True),
        real("learning_rate_by_resolution", 0.0, 0, INF, "at that resolution; 0: learning_rate", keys=BY_RESOLUTION),
        real("adam_b1", 0.5, 0, 0.999999, "decay of Adam's mean of gradients, a step"),
        real("adam_b2", 0.999, 0, 0.999999, "decay of Adam's mean of their squares, a step"),
        real("adam_epsilon", 1e-8, 0, INF, "added to the root of that mean"),
        text("init_from", "", "networks to begin with, as far as they match: another workdir, or a file of the authors' pretrained ones"),
        integer("freeze_discriminator", 0, 0, 10, "levels (dcgan: layers) of it, those next to the image, that stay as they begin"),
        one_of("loss", "non-saturating", ("wgan-gp", "non-saturating", "hinge"), "of both networks"),
        real("gradient_penalty", 10.0, 0, INF, "wgan-gp: weight of (|input gradient| - 1)^2"),
        real("drift", 0.001, 0, INF, "wgan-gp: weight of score(real)^2"),
        real("r1", 0.0, 0, INF, "the other losses: weight of |input gradient at real images|^2 / 2"),
        integer("r1_every", 1, 1, 10**6, "steps; with more, R1 is lazy: in one step of so many, and so many times heavier"),
        real("label_weight", 1.0, 0, INF, "conditional networks: weight of the cross entropy of the labels"),
        real("paintings", 0.0, 0, INF, "weight of reconstructing each painting at latents of its own, which are learnt; 0: none have any",
             was="works"),
        integer("paintings_batch", 32, 1, 10**6, "paintings reconstructed in a step, over all devices", was="works_batch"),
        real("paintings_rate", 0.02, 0, INF, "learning rate of their latents, whose entries are about 1", was="works_rate"),
        real("paintings_spread", 0.0, 0, 1, "part of the way to the covariance of chance that a step moves them, lest they gather",
             new=True, was="works_spread"),
        integer("paintings_detail", 4, 1, 256, "pixels a side that are averaged before paintings are compared with their reconstructions",
                was="works_detail"),
        real("paintings_forms", 0.0, 0, INF,
             "weight, beside their colours', of how unlike they are by the second discriminator's features, where there is one", new=True),
        real("between", 0.5, 0, 1, "training.paintings: part of what the discriminator sees that lies on the way between two of them"),
        real("year_width", 0.25, 1e-6, INF, "model.year: years either way, by a normal distribution, that count as the same time"),
        flag("fresh_latents", False,
             "new latents for the generator's step; without, it learns from the images that the discriminator has just seen, which with a "
             "second one are augmented alike, too"),
        real("ema_decay", 0.0, 0, 0.9999999, "of the averaged generator, a step; 0: by the half-life, which batch sizes don't change"),
        real("ema_half_life_kimg", 10.0, 1e-6, INF, "of the averaged generator, in thousands of images"),
        real("ema_ramp_up", 0.05, 1e-6, INF, "its half-life is at most this part of the images seen"),
        flag("mirror", True, "each image is mirrored half the time"),
        one_of("augment", "none", ("none", "fixed", "adaptive"),
               "what the discriminator sees: not, at one strength, or the more, the more surely it tells real from generated"),
        some_of("augment_kinds", ("colour", "translation", "zoom", "cutout"), ("colour", "translation", "zoom", "cutout", "turn"),
                'how; "turn": lying in any of eight ways'),
        real("augment_colour", 1.0, 0, 4, "of contrast and saturation, in parts of what is usual; less where samples turn gaudy", new=True),
        real("augment_strength", 0.5, 0, 1, "fixed: the probability that a kind touches an image"),
        real("augment_target", 0.6, -1, 1, "adaptive: what the discriminator's certainty is held at"),
        real("augment_kimg", 100.0, 1e-3, INF, "adaptive: thousands of images in which the strength could go from none to full"),
        one_of("precision", "auto", ("auto", "float32", "bfloat16"), "of convolutions; auto: bfloat16 on GPU and TPU", resume=True),
        real("resident_gib", 0.0, 0, INF, "GiB of images on each device; more are read block by block. 0: a quarter of its memory"),
        real("log_every_kimg", 1.0, 1e-6, INF, "thousands of images between two lines of the log", resume=True),
        real("sample_every_kimg", 10.0, 0, INF, "thousands of images between two grids of samples; 0: only at the end", resume=True),
        real("checkpoint_every_kimg", 25.0, 0, INF, "thousands of images between two checkpoints; 0: only by minutes", resume=True),
        real("checkpoint_every_minutes", 10.0, 0, INF, "as well; 0: only by images", resume=True),
        integer("keep_checkpoints", 2, 1, INF, "the latest; the best is kept too", resume=True),
        real("keep_every_kimg", 0.0, 0, INF, "and the first one after every so many; 0: none", resume=True),
        real("time_limit_hours", 0.0, 0, INF, "then it saves and ends, as on SIGTERM; the same command goes on. 0: none", resume=True),
        one_of("on_divergence", "stop", ("stop", "rollback"),
               "where losses are no numbers, scores run away or images are all alike: stop, or back to the last checkpoint and on "
               "at half the learning rate", resume=True, was="when_sick", renamed={"back": "rollback"}),
        integer("watch_images", 512, 0, 5000,
                "made at a checkpoint and put beside the paintings; the best checkpoint is the nearest by KID. 0: the latest", resume=True),
    ),

    *section("inversion",
        integer("steps", 150, 1, 10**6, "at most; a search that no longer gains ends in a quarter of them"),
        integer("restarts", 2, 1, 10**4, "searches a painting, from generated images like it; the last of several from chance"),
        integer("candidates", 2048, 1, 10**6, "generated images that the starts are chosen from"),
        real("learning_rate", 0.1, 1e-9, INF, "of Adam"),
        real("noise", 0.1, 0, 100, "on the latents at first, whose entries are about 1; gone after three quarters of the steps"),
        integer("patience", 30, 1, 10**6, "steps without a gain of a hundredth"),
        integer("batch_size", 256, 1, 10**5, "searches at once, over all devices"),
        real("pixels", 1.0, 0, INF, "weight of the absolute difference of colours"),
        real("structure", 0.3, 0, INF, "weight of 1 - SSIM, over the scales"),
        real("features", 0.3, 0, INF, "weight of the difference to the discriminator"),
        integer("calibration", 32, 0, 10**5, "generated images that are searched too: what a painting's error is read against; 0: none"),
    ),

    *section("tuning",  # of the generator to the ends of the morphs
        integer("steps", 200, 0, 10**6, "0: frames are of the generator as it was trained"),
        integer("pairs", 4, 1, 10**5, "that share a generator: with 1 each has its own, and more of them take less time"),
        real("reach", 0.07, 0, 0.5, "training.paintings: part of a way, at either end, in which it gives way to the trained one; 0: none"),
        one_of("optimizer", "adam", ("adam", "muon"), "muon: of kernels; ends are nearer, all else moves more", new=True),
        real("learning_rate", 0.001, 0, INF, "of either"),
        real("locality", 0.3, 0, INF, "weight of what keeps other latents' images as they were"),
        real("pixels", 1.0, 0, INF, "weight of the absolute difference of colours"),
        real("structure", 0.3, 0, INF, "weight of 1 - SSIM, over the scales"),
        real("features", 1.0, 0, INF, "weight of the difference to the discriminator"),
        real("statistics", 2.0, 0, INF, "weight of the difference of how much there is of each of its features, wherever it is"),
    ),

    *section("morphing",
        integer("frames", 17, 2, 1000, "times t, 0 and 1 included"),
        one_of("path", "slerp", ("slerp", "rescaled", "linear"), "great circle, straight line scaled to length, or straight line"),
        one_of("easing", "none", ("none", "smooth"), "smooth: slower at both ends"),
        one_of("assignment", "one-to-one", ("one-to-one", "many-to-one"),
               "many-to-one: every early painting goes to the late one that is most like it"),
        real("colour", 0.5, 0, 1, "weight of colour against composition in the similarity of two paintings"),
        real("subject", 0.3, 0, 1, "weight of the columns against both"),
        text("columns", "genre,subject,motif", "of the table, where it has them: what paintings should agree in"),
        real("max_distance", 0.75, 0, 1, "a pair further apart than this quantile of all pairs is not made"),
        integer("size", 256, 16, 4096, "pixels, at least, of an image in an animation"),
        real("seconds", 4.0, 0.1, 3600, "one way through a morph"),
        one_of("playback", "there-and-back", ("there-and-back", "loop"), "loop: begins again at the early end"),
        integer("films", 12, 0, 10**6, "pairs that have films, the nearest first; of others `morph --pairs=17,40` makes some"),
        some_of("formats", ("gif", "mp4"), ("gif", "mp4", "webp"), "of films"),
        flag("real_ends", True, "films begin and end with the paintings themselves"),
        flag("captions", True, "title and year below the image"),
        integer("compare", 3, 0, 8, "real paintings of the same year, as many, below the image"),
        integer("stations", 8, 0, 1000, "paintings that the film through the years goes by; 0: no film"),
    ),

    *section("baseline",
        text("generator", "",
             'what is put beside ours: "progan-128", an address or a folder of TF-Hub, another workdir, or a file; "": nothing'),
        integer("pairs", 24, 0, INF,
                "that the generator paints, from the nearest to the furthest; of fewer than 8 nothing is said; 0: all", new=True, before=0),
        integer("steps", 0, 0, 10**6, "of its searches, at most; 0: as many as inversion.steps", new=True),
        integer("restarts", 0, 0, 10**4, "searches a painting; 0: as many as inversion.restarts", new=True),
        integer("candidates", 0, 0, 10**6, "generated images that starts are chosen from; 0: as many as inversion.candidates", new=True),
        integer("batch_size", 0, 0, 10**5, "searches at once, over all devices; 0: as many as inversion.batch_size", new=True),
        text("frames", "", "morphs of the same pairs that any other tool made: a folder of pair_000/t_0.500.png, or with frames.csv"),
        flag("tutorial", True, "and searched by the TF-Hub tutorial's own recipe too"),
        integer("tutorial_steps", 200, 1, 10**6, "of that recipe"),
    ),

    *section("sampling",
        integer("images", 512, 8, 10**6, "generated to look at and to judge"),
        integer("first_seed", 0, 0, 2**31, "of the first image; each has the seed after that of the one before"),
        one_of("period", "", ("", "early", "late"), 'of conditional networks, the period to paint; "": both'),
        real("year", 0.0, 0, 9999, "of networks that know the year, the one to paint; 0: those of the paintings"),
        real("truncation", 1.0, 0, 1, "psi: less brings images nearer to the most ordinary one, 0 to it: surer, and less varied"),
        integer("walk", 6, 0, 100, "images that each walk of the film passes by; 0: no film"),
    ),

    *section("evaluation",
        some_of("features", ("texture", "discriminator"), ("texture", "discriminator", "inception", "inception:FOLDER", "keras:NAME"),
                "what images are compared by; the verdicts rest on the first", least=1),
        integer("repeats", 8, 2, 1000, "random halves for the floors"),
    ),

    *section("benchmark",
        some_of("resolutions", (), RESOLUTIONS, "those of the schedule to time; (): all"),
        integer("batch_size", 0, 0, 2**20, "images a step, over all devices; 0: as in the schedule"),
        integer("windows", 5, 2, 1000, "times that each speed is measured"),
        real("seconds", 2.0, 1e-3, 3600, "of a window"),
        flag("painting", True, "sampling and inversion too"),
    ),
)
# fmt: on
BY_NAME = {name: field for field in SETTINGS for name in field.names}


def may_change(name: str) -> bool:
    """Returns whether a field may differ from the config that a workdir was begun with.

    A period of another name than the table's changes what is shown, and nothing before.
    """
    return BY_NAME[name].resume if name in BY_NAME else name.startswith(f"{OPEN_SECTION}.")


def is_as_before(name: str, value: Any) -> bool:
    """Returns whether a field that came when there were workdirs does what was done before it: then it is no part of a fingerprint."""
    return name in BY_NAME and BY_NAME[name].new and BY_NAME[name].done_before == value


def as_before() -> dict[str, Any]:
    """Returns, by field, what was done in a workdir from before the field was there; of several values a list, as in JSON."""
    values = {name: field.done_before for name, field in BY_NAME.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def page() -> str:
    """Returns all settings as Markdown, a table for each section."""
    lines = [
        "# Settings",
        "",
        "Written by `python -m gan_jax.settings`. `--config.NAME=VALUE` on the command line changes one. Those with a * may differ from",
        "the config that a workdir was begun with.",
        "",
        "Configs differ from these defaults, also the one that is taken where none is named, `gan_jax/demo_config.py`.",
    ]
    for name in dict.fromkeys(field.section for field in SETTINGS):
        lines += ["", f"## {name}", "", "| name | default | may be | |", "| --- | --- | --- | --- |"]
        for field in SETTINGS:
            if field.section == name:
                named = f"`{field.name}`" + (f" `.{field.keys[0]}` to `.{field.keys[-1]}`" if field.keys else "")
                allowed = f"`{field.allowed()}`" if field.choices else field.allowed()
                cells = (named + " *" * field.resume, f"`{shown(field.default)}`", allowed, field.about)
                lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
