"""The command line: a verb, a config and a workdir."""

import faulthandler
import os
import pathlib
import re
import signal
import sys
import textwrap
from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor

from absl import flags, logging
from ml_collections import config_flags

from gan_jax import completion, demo_config, shipped_configs
from gan_jax.collection.named_periods import ENDS, check_name
from gan_jax.config import check_value, rename, renamed_flags
from gan_jax.errors import Stopped, UserError, on_one_line
from gan_jax.huge_pages import use_huge_pages
from gan_jax.settings import BY_NAME
from gan_jax.verbs import ACCEPT_CHANGES, VERBS, Verb, every_flag, usage


def run(words: Sequence[str], values: flags.FlagValues) -> None:
    """Does what the words of a command line say: a user's mistake is one line on stderr and exit code 2.

    values: gets the flags; one of its own for each command.
    """
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb is None or verb == "help":
        print(usage())
        sys.exit(0 if not words or verb == "help" or "--help" in words else 2)
    if verb == "completion":
        print(completion.script(VERBS, every_flag(), BY_NAME), end="")
        return
    if verb == "configs":
        for name, about in shipped_configs.listed():
            print(textwrap.fill(f"  {name:<17} {about}", 100, subsequent_indent=" " * 20))
        return
    if verb not in VERBS:
        fail(f"{verb!r}: no such verb; there is {', '.join(VERBS)}")
    if "--help" in words or "-h" in words:
        print(VERBS[verb].help())
        return
    words = config_first(words)
    try:
        words, periods = named_periods(renamed_flags(words))
        define_flags(VERBS[verb], words, values)
        parse(words, values, periods)
        logging.set_verbosity(logging.WARNING)  # libraries' remarks would break the progress line
        VERBS[verb].run(verb, values)
    except UserError as error:
        fail(str(error))
    except Stopped as stopped:
        print(f"gan_jax: {stopped}", file=sys.stderr)
        sys.exit(stopped.code)
    except OSError as error:
        if not error.errno:
            raise
        fail(f"{error.filename or 'the system'}: {error.strerror}")  # a full disk, a folder that can't be written
    except KeyboardInterrupt:
        fail("stopped", 130)
    except BrokenExecutor:
        fail("a process that made films is gone, perhaps for want of memory; the same command goes on")
    except RuntimeError as error:
        if not among_others():
            raise
        fail(f"this process can't go on, or another is gone ({one_line(error)[:200]}); the same commands go on from the last checkpoint", 1)


def define_flags(verb: Verb, words: Sequence[str], values: flags.FlagValues) -> None:
    """Defines what a verb takes."""
    argv = [sys.argv[0], *words]
    config_flags.DEFINE_config_file("config", None, "What to do: a file with get_config().", sys_argv=argv, flag_values=values)
    without_study = not verb.needs_workdir or any(re.match(r"--?generator(=|$)", word) for word in words)
    if verb.workdirs:
        about = "Folder of a study; given more than once, studies to compare."
        flags.DEFINE_multi_string("workdir", None, about, required=True, flag_values=values)
    else:
        folder, about = f"runs/{verb.name}" if without_study else None, "Folder for everything that is made."
        flags.DEFINE_string("workdir", folder, about, required=not without_study, flag_values=values)
    for flag in (ACCEPT_CHANGES, *verb.flags):
        flag.define(values)


def config_first(words: Sequence[str]) -> list[str]:
    """Returns the same words with --config before all others: its fields are flags only once it is read. Without one, that of the demo."""
    words = list(words)
    place = next((i for i, word in enumerate(words) if re.match(r"--?config(=|$)", word)), None)
    given = [f"--config={demo_config.__file__}"]
    if place is not None:
        end = place + (1 if "=" in words[place] else 2)
        given, words = words[place:end], words[:place] + words[end:]
    config = shipped_configs.found("=".join(given).partition("=")[2])
    path = config.partition(":")[0]
    if not pathlib.Path(path).is_file():
        what = "not a regular file" if os.path.exists(path) else "no such file"
        fail(f"--config={path}: {what}; `configs` lists those that come with the program")
    return [f"--config={config}", *words]


def named_periods(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Returns the words without those that name a period beside early and late, and what these say, by its name.

    Such fields are in no config before, and of fields that are not there absl knows nothing.
    """
    rest, periods, unread = [], {}, iter(words)
    for word in unread:
        match = re.fullmatch(r"--?config\.collection\.periods\.([^=]*)(?:=(.*))?", word, re.DOTALL)
        if not match or match[1] in ENDS:
            rest.append(word)
            continue
        check_name(match[1])
        said = match[2] if match[2] is not None else next(unread, "--")
        if said.startswith("--"):
            raise UserError(f"--config.collection.periods.{match[1]}: needs years, such as 1886..1887")
        periods[match[1]] = said
    return rest, periods


def parse(words: Sequence[str], values: flags.FlagValues, periods: Mapping[str, str]) -> None:
    """Parses by absl, with one line for a wrong flag; `periods` are those that the command line names beside early and late."""
    try:
        values([sys.argv[0], *words])
        values.config.to_dict()  # a file that can't be read is an error only when something is asked of it
        rename(values.config, words)
        section = values.config.collection.periods
        with section.unlocked(), section.ignore_type():
            section.update(periods)
    except (AttributeError, KeyError) as error:
        said = f"{one_line(error)};"
        if match := re.search(r"'(\w+)' Did you mean \"(\w+)\"", said):
            said = f"{match[1]!r}; did you mean {match[2]!r}?"
        raise UserError(f"--config: no such field {said} `VERB --help` lists them") from None
    except (flags.Error, TypeError, ValueError, SyntaxError, ImportError) as error:
        named = re.match(r"flag --config\.([\w.]+)=(.*?): ", one_line(error))
        if named and named[1] in BY_NAME:
            check_value(named[1], named[2])
        raise UserError(one_line(error)) from None


def one_line(error: Exception) -> str:
    lines = str(error).replace("\\n", "\n").replace("\\'", "'").strip('" ').splitlines()
    if any(line.startswith("Traceback") for line in lines):  # of an error inside a config file: where, and what
        lines = [lines[0], lines[-1]]
    return " ".join(" ".join(lines).split())


def fail(message: str, code: int = 2) -> None:
    print(f"gan_jax: {on_one_line(message)}", file=sys.stderr, flush=True)
    if among_others():
        os._exit(code)  # an orderly end would wait for the others, which wait for this one
    sys.exit(code)


def among_others() -> bool:
    """Returns whether this is one of several processes."""
    return "jax" in sys.modules and sys.modules["jax"].distributed.is_initialized()


def command() -> None:
    """Runs the program as a process of its own."""
    use_huge_pages()
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None where it was closed from the start
        stream.reconfigure(errors="backslashreplace")  # of names that it has no letters for
    if sys.stderr:
        faulthandler.enable()
    logging.use_absl_handler()
    try:
        try:
            run(sys.argv[1:], flags.FLAGS)
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        if not error.errno or not sys.stdout:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would write there once more
        if isinstance(error, BrokenPipeError):  # who reads has read enough, as `head` does
            sys.exit(128 + signal.SIGPIPE)
        fail(f"standard output: {error.strerror}")


if __name__ == "__main__":
    command()
