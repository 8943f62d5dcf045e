"""Every setting of a study, with its unit. Files in `configs/` are small differences from this.

The defaults paint: the built-in painter's landscapes at 32 px by a small DCGAN, minutes on two CPU cores.
"""

from ml_collections import ConfigDict

RESOLUTIONS = tuple(2**level for level in range(2, 11))  # 4 to 1024


def by_resolution(general: float = 0, **values) -> ConfigDict:
    """A value for each resolution, `r4` to `r1024`; 0 (of the type that the values have) stands for the one beside it."""
    unknown = set(values) - {f"r{r}" for r in RESOLUTIONS}
    if unknown:
        raise KeyError(f"no such resolution: {sorted(unknown)}")
    return ConfigDict({f"r{r}": values.get(f"r{r}", general) for r in RESOLUTIONS})


def arguments(text: str, **defaults: int) -> tuple[int, ...]:
    """Values of the words behind a config's name, `configs/pggan.py:resolution=256,devices=4`, in the order of `defaults`."""
    values = dict(defaults)
    for word in filter(None, text.split(",")):
        name, _, value = word.partition("=")
        if name not in defaults or not value.isdecimal():
            raise ValueError(f"{word!r}: {' and '.join(f'{name}=N' for name in defaults)} can be given")
        values[name] = int(value)
    return tuple(values.values())


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.seed = 0
    config.generator = ""  # what paints; "": the networks trained here; or a file of the Progressive GAN authors' pretrained ones

    config.collection = collection = ConfigDict()
    collection.source = "painter"  # "painter" (built in), "folder" (a table and a folder of images) or "tfds" (pictures without dates)
    collection.table = ""  # CSV, TSV, JSON or JSON Lines with a line or a record for each painting, or a folder of JSON files
    collection.encoding = ""  # of the table, e.g. "cp932"; "": UTF-8, UTF-16, or guessed
    collection.images = ""  # folder of the images that the table names
    collection.columns = ConfigDict({"file": "", "title": "", "date": ""})  # "": found by usual names
    collection.where = ""  # rows to keep, e.g. "genre=landscape|still life; place=Arles"; "": all
    collection.tfds = ""  # a dataset that TFDS has prepared here, "celeb_a" or "food101:2.0.0", or its folder
    collection.tfds_folder = ""  # where they lie; "": $TFDS_DATA_DIR, or ~/tensorflow_datasets
    collection.tfds_split = "train"
    collection.tfds_image = ""  # the feature that is a picture; "": the only one
    collection.resolution = 32  # pixels; a power of two from 16 to 1024
    collection.fit = "crop"  # "crop" (centre square), "pad" or "squash"
    collection.max_pixels = 150_000_000  # larger images are skipped, unread
    collection.near_duplicates = 8  # pictures that differ by up to so many of 64 bits are one work, seen twice; -1: only exact copies
    # What lies between is held out. Under any other name, as in periods.paris=1886..1887, stand works that are shown as a period.
    collection.periods = ConfigDict({"early": "..1883", "late": "1887.."})  # years, both ends included; others: periods.NAME=1886..1887
    collection.period_column = ""  # of the table; then periods are values of it, e.g. periods.early="Nuenen|Antwerp"; "": years
    collection.uncertain = "leave out"  # of works that may be of another period, or held out, by their dates: or "keep", by the middle
    collection.min_works = 16  # fewer in a period is an error
    collection.painter = ConfigDict({"works": 360, "first_year": 1880.0, "last_year": 1890.0, "seed": 0})

    config.narrowing = ConfigDict({"works": 100})  # of each period, at most, that `narrow` proposes to train on

    config.model = model = ConfigDict()
    model.name = "dcgan"  # "pggan" or "dcgan"
    model.latent_size = 64
    model.conditional = False  # periods as labels: joined to the latents, and guessed by the discriminator
    model.year = False  # the year as label: the generator paints that year, and the discriminator compares with works of about it
    model.width = 32  # dcgan: channels next to the image
    model.sync_batch_norm = True  # dcgan: batch statistics over all devices
    model.fmap_base = 8192  # pggan: channels are min(fmap_base / 2^stage, fmap_max)
    model.fmap_max = 512
    model.fused_scale = True  # pggan: scaling inside the discriminator's convolutions, as in the reference
    model.smooth = False  # low-pass filters where the scale changes (dcgan: in the generator), as in StyleGAN, against grids
    model.noise = False  # a value of noise for each pixel and layer, as in StyleGAN, against repetitions in the brushwork

    config.training = training = ConfigDict()
    training.period = ""  # "early" or "late": learn those works alone; "": both periods
    training.total_kimg = 150.0  # thousands of images seen, the whole schedule
    training.first_resolution = 4  # pggan: where growing starts
    training.stable_kimg = 600.0  # pggan: at each resolution before the last, after fading in
    training.fade_kimg = 600.0  # pggan: fading in a resolution
    training.batch_size = 32  # over all devices
    training.batch_size_by_resolution = by_resolution()
    training.learning_rate = 0.0002  # of both Adams
    training.learning_rate_decay = 0.0  # part of the schedule, at its end, over which the learning rates fall to nothing
    training.discriminator_rate = 1.0  # the discriminator's learning rate, in parts of the generator's
    training.learning_rate_by_resolution = by_resolution(0.0)
    training.adam_b1 = 0.5
    training.adam_b2 = 0.999
    training.adam_epsilon = 1e-8
    training.init_from = ""  # networks to begin with, as far as they match: another workdir, or a file of the authors' pretrained ones
    training.freeze_discriminator = 0  # levels (dcgan: layers) of it, those next to the image, that stay as they begin
    training.loss = "non-saturating"  # "wgan-gp", "non-saturating" or "hinge"
    training.gradient_penalty = 10.0  # wgan-gp: weight of (|slope| - 1)^2
    training.drift = 0.001  # wgan-gp: weight of score(real)^2
    training.r1 = 0.0  # the other losses: weight of |slope at real images|^2 / 2
    training.r1_every = 1  # steps; with more, the penalty is in one step of so many, and so many times heavier
    training.label_weight = 1.0  # conditional networks: weight of the cross entropy of the labels
    training.works = 0.0  # weight of painting every work at latents of its own, which are learnt; 0: works have none
    training.works_batch = 32  # works painted in a step, over all devices
    training.works_rate = 0.02  # learning rate of their latents, whose entries are about 1
    training.works_spread = 0.0  # part of the way to the covariance of chance that they are moved in a step, so that they don't gather
    training.works_detail = 4  # pixels a side that are averaged before works and what is painted for them are compared
    training.between = 0.5  # with works: part of what the discriminator is shown that lies on the way between two of them
    training.year_width = 0.25  # model.year: years either way, by a normal distribution, that count as the same time
    training.fresh_latents = False  # new latents for the generator's step, or those that the discriminator has just seen
    training.ema_decay = 0.0  # of the averaged generator, a step; 0: by the half-life, which batch sizes don't change
    training.ema_half_life_kimg = 10.0
    training.ema_ramp_up = 0.05  # its half-life is at most this part of the images seen
    training.mirror = True  # each image is mirrored half the time
    training.augment = "none"  # of what the discriminator sees: "none", "fixed", or "adaptive" to how surely it tells real from generated
    training.augment_kinds = ("colour", "translation", "zoom", "cutout")  # and "turn": lying in any of eight ways
    training.augment_colour = 1.0  # of contrast and saturation, in parts of what is usual; less where pictures from chance turn gaudy
    training.augment_strength = 0.5  # fixed: the probability that a kind touches a picture
    training.augment_target = 0.6  # adaptive: what the discriminator's certainty is held at, 0 to 1
    training.augment_kimg = 100.0  # adaptive: thousands of images in which the strength could go from none to full
    training.precision = "auto"  # "float32", "bfloat16", or "auto": bfloat16 on GPU and TPU
    training.resident_gib = 0.0  # of images on each device; more than that are read block by block. 0: a quarter of its memory
    training.log_every_kimg = 1.0
    training.sample_every_kimg = 10.0
    training.checkpoint_every_kimg = 25.0
    training.checkpoint_every_minutes = 10.0  # as well; 0: only by images
    training.keep_checkpoints = 2  # the latest; the best is kept too
    training.keep_every_kimg = 0.0  # and the first one after every so many; 0: none
    training.time_limit_hours = 0.0  # then it saves and ends, as on SIGTERM; the same command goes on. 0: none
    training.when_sick = "stop"  # losses no numbers, scores running away, pictures all alike; "back": to the last checkpoint, slower
    training.watch_images = 512  # made at a checkpoint and put beside the works; the best checkpoint is the nearest by KID. 0: the latest

    config.inversion = inversion = ConfigDict()
    inversion.steps = 150  # at most; a search that no longer gains ends in a quarter of them
    inversion.restarts = 2  # searches a painting: from the generated images most like it, and with more than one a random one
    inversion.candidates = 2048  # generated images that the starts are chosen from
    inversion.learning_rate = 0.1
    inversion.noise = 0.1  # on the latents at first, whose entries are about 1; gone after three quarters of the steps
    inversion.patience = 30  # steps without a gain of a hundredth
    inversion.batch_size = 256  # searches at once, over all devices
    inversion.pixels = 1.0  # weight of the absolute difference of colours
    inversion.structure = 0.3  # weight of 1 - SSIM, over the scales
    inversion.features = 0.3  # weight of the difference to the discriminator
    inversion.calibration = 32  # generated images that are searched too: what the error of a painting is read against; 0: none

    config.tuning = tuning = ConfigDict()  # of the generator to the ends of the morphs
    tuning.steps = 200  # 0: frames are of the generator as it was trained
    tuning.pairs = 4  # that share a generator: with 1 each has its own, and more of them take less time
    tuning.reach = 0.15  # with training.works: part of a way, from either end, over which it gives way to the trained one; 0: nowhere
    tuning.learning_rate = 0.001
    tuning.locality = 0.3  # weight of what keeps other latents' images as they were
    # Weights of the distance, as in `inversion`.
    tuning.pixels = 1.0
    tuning.structure = 0.3
    tuning.features = 1.0

    config.morphing = morphing = ConfigDict()
    morphing.frames = 17  # times t, 0 and 1 included
    morphing.path = "slerp"  # "slerp" (great circle), "rescaled" (straight, then scaled to length) or "linear"
    morphing.easing = "none"  # or "smooth": slower at both ends
    morphing.assignment = "one-to-one"  # or "many-to-one": every early work goes to the late one that is most like it
    morphing.colour = 0.5  # weight of colour against composition in the similarity of two works
    morphing.subject = 0.3  # weight of the columns against both
    morphing.columns = "genre,subject,motif"  # of the table, where it has them: what works should agree in
    morphing.max_distance = 0.75  # a pair further apart than this quantile of all pairs is not made
    morphing.size = 256  # pixels, at least, of a picture in an animation
    morphing.seconds = 4.0  # one way through a morph
    morphing.playback = "there-and-back"  # or "loop": begins again at the early end
    morphing.films = 12  # pairs that have films, the nearest first; of others `morph --pairs=17,40` makes some
    morphing.formats = ("gif", "mp4")  # and "webp"
    morphing.real_ends = True  # films begin and end with the paintings themselves
    morphing.captions = True  # title and year below the picture
    morphing.compare = 3  # real works of the same year, as many, below the picture
    morphing.stations = 8  # works that the film through the years goes by; 0: no film

    config.baseline = baseline = ConfigDict()
    baseline.generator = ""  # what is put beside ours: a TF-Hub handle or folder, another workdir, or a file; "": nothing
    baseline.frames = ""  # morphs of the same pairs that any other tool made: a folder of pair_000/t_0.500.png, or with frames.csv
    baseline.tutorial = True  # and searched by the TF-Hub tutorial's own recipe too
    baseline.tutorial_steps = 200

    config.sampling = sampling = ConfigDict()
    sampling.images = 512  # generated to look at and to judge
    sampling.first_seed = 0  # of the first image; each has the seed after that of the one before
    sampling.period = ""  # of conditional networks, the period to paint; "": both
    sampling.year = 0.0  # of networks that know the year, the one to paint; 0: those of the works
    sampling.truncation = 1.0  # less brings images nearer to the most ordinary one, 0 to it: surer, and less varied
    sampling.walk = 6  # images that each walk of the film passes by; 0: no film

    config.evaluation = evaluation = ConfigDict()
    evaluation.features = ("texture", "discriminator")  # the verdicts rest on the first; also "inception", "inception:FOLDER", "keras:NAME"
    evaluation.repeats = 8  # random halves for the floors

    config.benchmark = benchmark = ConfigDict()
    benchmark.resolutions = ()  # those of the schedule to time, e.g. (64,128); (): all
    benchmark.batch_size = 0  # over all devices; 0: as in the schedule
    benchmark.windows = 5
    benchmark.seconds = 2.0  # of a window
    benchmark.painting = True  # sampling and inversion too
    return config
