# Sourced by the other scripts: makes .venv in the project's folder (or $venv, with one of $pythons) and installs the given requirement
# files, unless that is done. Sets $python to its interpreter.

prepare_environment() {
  local found="" candidate venv=${venv:-.venv}
  for candidate in "${PYTHON:-}" ${pythons:-python3.13 python3.12 python3.11} python3 python; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
      found=$candidate
      break
    fi
  done
  if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then  # not there, or its making was interrupted
    if [ -z "$found" ]; then
      echo "No Python from 3.11 to 3.13 found (with its venv and ensurepip modules); install one, or name it: PYTHON=/path/to/python3.12 bash $0" >&2
      exit 1
    fi
    echo "Making $venv with $("$found" --version)"
    rm -rf "$venv"
    "$found" -m venv "$venv" || return 1
  fi
  python=$venv/bin/python
  # Of each file, what was in it when it was installed.
  local file arguments=() missing=no
  mkdir -p "$venv/installed"
  for file in "$@"; do
    arguments+=(-r "$file")
    cmp -s "$file" "$venv/installed/${file//\//_}" || missing=yes
  done
  if [ "$missing" = yes ]; then
    echo "Installing $* (a few minutes, once)"
    # Python compiles what is imported when it first is; compiling all that is installed takes a quarter of the install.
    "$python" -m pip install --quiet --no-compile --disable-pip-version-check "${arguments[@]}" || return 1
    for file in "$@"; do cp "$file" "$venv/installed/${file//\//_}"; done
  fi
}

# What JAX needs of CUDA ("cuda13" or "cuda12") into the environment, in the version of the JAX that is there.
prepare_cuda() {
  local version
  version=$("$python" -c 'import importlib.metadata; print(importlib.metadata.version("jax"))') || return 1
  if ! "$python" -c "import importlib.metadata as m; assert m.version('jax-$1-plugin') == '$version'" 2>/dev/null; then
    echo "Installing jax[$1]==$version (some minutes, once)"
    "$python" -m pip install --quiet --disable-pip-version-check "jax[$1]==$version" || return 1
  fi
}

# The CUDA, as JAX names it, that an NVIDIA driver (580.65.06) can do; a line on stderr where it is too old for any.
cuda_of_driver() {
  local major=${1%%.*}
  if ! [[ $major =~ ^[0-9]+$ ]]; then
    echo "gan_jax: nvidia-smi gives no driver version ($1)" >&2
    return 1
  elif [ "$major" -ge 580 ]; then
    echo cuda13
  elif [ "$major" -ge 525 ]; then
    echo cuda12
  else
    echo "gan_jax: driver $1 is older than JAX needs: 525 or newer, 580 for CUDA 13" >&2
    return 1
  fi
}
