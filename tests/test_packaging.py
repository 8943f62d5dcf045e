"""What an installed program brings along: every room, the configs, and the packages that it needs."""

import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from gan_jax import shipped_configs

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_room_is_installed():
    rooms = {f"gan_jax.{path.parent.relative_to(ROOT / 'gan_jax')}".replace("/", ".") for path in (ROOT / "gan_jax").rglob("__init__.py")}
    assert {*PROJECT["tool"]["setuptools"]["packages"]} == rooms - {"gan_jax.."} | {"gan_jax", "gan_jax.configs"}


def test_what_is_needed_is_what_requirements_name():
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if re.match(r"\w", line)]
    extras = PROJECT["project"]["optional-dependencies"]
    assert sorted({*PROJECT["project"]["dependencies"], *extras["hub"], *extras["tfds"]}) == sorted(lines)


@pytest.mark.parametrize("config", ["van_gogh", "van_gogh:resolution=32", "configs/van_gogh.py", "van_gogh.py", "configs/van_gogh.py:a=1"])
def test_a_shipped_config_is_found_from_any_folder(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, _, argument = shipped_configs.found(config).partition(":")
    assert pathlib.Path(path) == ROOT / "configs" / "van_gogh.py" and argument == config.partition(":")[2]
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "van_gogh.py").write_text("")
    assert shipped_configs.found("configs/van_gogh.py") == "configs/van_gogh.py"  # one's own file comes first


@pytest.mark.parametrize("config", ["", "nowhere", "../configs/van_gogh", "/etc/passwd", "configs", "sub/van_gogh.py"])
def test_what_is_no_shipped_config_stays_as_it_is(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shipped_configs.found(config) == config


def test_every_shipped_config_is_listed_with_what_it_is():
    found = dict(shipped_configs.listed())
    assert {*found} == {path.stem for path in (ROOT / "configs").glob("*.py")}
    assert all(20 < len(text) < 200 and "\n" not in text for text in found.values())


def test_an_installed_program_has_its_configs(tmp_path):
    pytest.importorskip("setuptools", minversion="77")
    for name in ("gan_jax", "configs"):
        shutil.copytree(ROOT / name, tmp_path / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / "source" / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--no-build-isolation", "--target", tmp_path / "there", tmp_path / "source"], check=True, capture_output=True)
    run = f"import sys; sys.path.insert(0, {str(tmp_path / 'there')!r})\nfrom gan_jax import shipped_configs as s; print(s.found('demo'))"
    done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(tmp_path / "there" / "gan_jax" / "configs" / "demo.py")
    assert (tmp_path / "there" / "gan_jax" / "report" / "template.html").is_file()
