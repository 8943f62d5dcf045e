#!/usr/bin/env bash
# A study on a TPU machine or pod of Google Cloud, from anywhere with gcloud:
#
#     bash launch/tpu_pod.sh NAME ZONE setup                      # copies this folder to every worker and installs
#     bash launch/tpu_pod.sh NAME ZONE study --workdir=DIR ...    # starts it on every worker, in the background
#     bash launch/tpu_pod.sh NAME ZONE log                        # what worker 0 says
#
# The machine's image has to have Python 3.11 or newer (Ubuntu 24.04 has). DIR must be one folder for all workers (a Filestore, a bucket
# that is mounted); on a single machine any will do. Told again after the machine was taken away, the second command goes on where it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -lt 3 ]; then
  sed -n '2,9s/^# \{0,1\}//p' launch/tpu_pod.sh >&2
  exit 2
fi
name=$1 zone=$2 verb=$3
shift 2

on() { # workers, command
  gcloud compute tpus tpu-vm ssh "$name" --zone="$zone" --worker="$1" --command="$2"
}

case $verb in
  setup)
    archive=$(mktemp -d)/gan_jax.tar.gz
    tar czf "$archive" --exclude=__pycache__ requirements.txt launch configs gan_jax
    gcloud compute tpus tpu-vm scp "$archive" "$name:gan_jax.tar.gz" --zone="$zone" --worker=all
    on all 'mkdir -p gan_jax && cd gan_jax && rm -rf launch configs gan_jax && tar xzf ../gan_jax.tar.gz &&
      source launch/environment.sh && prepare_environment requirements.txt &&
      .venv/bin/python -m pip install --quiet "jax[tpu]==$(.venv/bin/python -c "import jax; print(jax.__version__)")"'
    ;;
  log) on 0 'tail -n 40 -f gan_jax/gan_jax.log' ;;
  study | train | benchmark)
    words=$(printf '%q ' "$@")
    on all "cd gan_jax && if pgrep -f 'gan_jax .*--hosts=auto' >/dev/null; then echo 'gan_jax: at work already' >&2; exit 2; fi &&
      { nohup .venv/bin/python -m gan_jax $words --hosts=auto >>gan_jax.log 2>&1 </dev/null & }"
    echo "started; bash launch/tpu_pod.sh $name $zone log"
    ;;
  *)
    echo "gan_jax: $verb: there is setup, log, study, train and benchmark" >&2
    exit 2
    ;;
esac
