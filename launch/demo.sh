#!/usr/bin/env bash
# A whole study of the built-in painter: makes .venv, installs, paints, trains, inverts, morphs, judges, and writes a page to read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh
prepare_environment requirements.txt

exec "$python" -m gan_jax study --config=configs/demo.py --workdir=runs/demo "$@"
