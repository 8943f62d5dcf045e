#!/usr/bin/env bash
# A machine with NVIDIA GPUs and Python 3.11 to 3.13, from nothing to a training that goes on when you log out:
#
#     bash launch/gpu_vm.sh check                                    # installs, looks at every GPU, and times a training for a minute
#     bash launch/gpu_vm.sh study --workdir=runs/mine [--config=...] # the same but the timing, then starts it in the background
#     bash launch/gpu_vm.sh install cuda13                           # only installs, where there is no GPU to ask: on a login node
#
# It finds the driver, installs JAX for the CUDA that the driver can do into .venv, and says where the log is. Told again after the machine
# was taken away, the second command goes on where it was. Without a GPU it says so; with `--cpu` before the verb it does the same on the CPU.
# CUDA_VISIBLE_DEVICES=0,1 takes some of the GPUs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh

on_cpu=no
if [ "${1:-}" = --cpu ]; then
  on_cpu=yes
  shift
fi
if [ $# -lt 1 ]; then
  sed -n '2,11s/^# \{0,1\}//p' launch/gpu_vm.sh >&2
  exit 2
fi
if [ "$1" = install ]; then
  prepare_environment requirements.txt
  prepare_cuda "${2:?install cuda13, or cuda12}"
  exit
fi
workdir=""
for word in "$@"; do
  case $word in --workdir=*) workdir=${word#--workdir=} ;; esac
done
workdir=${workdir%/}
if [ "$1" != check ] && [ -z "$workdir" ]; then
  echo "gan_jax: --workdir=FOLDER is needed: where everything is made, and where the same command finds it again" >&2
  exit 2
fi

gpus=0
if [ "$on_cpu" = no ]; then
  if ! listed=$(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null) || [ -z "$listed" ]; then
    echo "gan_jax: no NVIDIA GPU answers here (nvidia-smi); \`bash launch/gpu_vm.sh --cpu $*\` does it on the CPU, slower" >&2
    exit 2
  fi
  gpus=$(wc -l <<<"$listed")
  [ -n "${CUDA_VISIBLE_DEVICES:-}" ] && gpus=$(tr ',' '\n' <<<"$CUDA_VISIBLE_DEVICES" | wc -l)
  sed 's/^/GPU: /' <<<"$listed"
  driver=$(head -n 1 <<<"$listed" | cut -d, -f2 | tr -d ' ')
  cuda=$(cuda_of_driver "$driver") || exit 2
fi
# Whether the process that was started for this workdir is at work; its number may be another's since the machine started anew.
at_work() {
  [ -f "$workdir.pid" ] && ps -ww -p "$(cat "$workdir.pid")" -o args= 2>/dev/null | grep -qF -e "--workdir=$workdir"
}
if [ -n "$workdir" ] && at_work; then
  echo "gan_jax: $workdir: at work already (process $(cat "$workdir.pid")); it says how far in $workdir.log" >&2
  exit 2
fi

prepare_environment requirements.txt
if [ "$gpus" -gt 0 ]; then
  prepare_cuda "$cuda"
  seen=$("$python" -c 'import jax; print(jax.local_device_count() if jax.default_backend() == "gpu" else 0)')
  if [ "$seen" != "$gpus" ]; then
    echo "gan_jax: JAX sees $seen of $gpus GPUs; \`$python -c 'import jax; jax.devices()'\` says why" >&2
    exit 1
  fi
  echo "JAX for $cuda sees all $gpus"
  # Nothing else is at work here: JAX takes three quarters of the memory if not told.
  export XLA_PYTHON_CLIENT_MEM_FRACTION=${XLA_PYTHON_CLIENT_MEM_FRACTION:-0.9}
else
  export JAX_PLATFORMS=cpu
fi

if [ "$1" = check ]; then
  shift
  # DCGAN as published, 128 images a GPU: a minute with compiling, and with one GPU a row of the README's table to compare with.
  exec "$python" -m gan_jax benchmark --config=configs/dcgan.py --workdir=runs/check \
    --config.benchmark.batch_size=$((128 * (gpus > 0 ? gpus : 1))) "$@"
fi

mkdir -p "$(dirname "$workdir")"
alone=()
command -v setsid >/dev/null && alone=(setsid)  # a session of its own; nohup does without, on most systems
${alone[@]+"${alone[@]}"} nohup "$python" -m gan_jax "$@" >>"$workdir.log" 2>&1 </dev/null &
echo $! >"$workdir.pid"
sleep "${SETTLE:-3}"  # wrong words are found at once
if ! at_work; then
  code=0
  wait $! || code=$?
  tail -n 5 "$workdir.log" >&2
  exit "$code"
fi
echo "started; see    tail -f $workdir.log"
echo "stop it with    kill $(cat "$workdir.pid")    (it saves first); the same command goes on"
