#!/usr/bin/env bash
# A machine with NVIDIA GPUs, from nothing to a training that goes on when you log out:
#
#     bash launch/gpu_vm.sh check                                    # installs, looks at every GPU, and times a training for a minute
#     bash launch/gpu_vm.sh study --workdir=runs/mine [--config=...] # the same but the timing, then starts it in the background
#
# It finds the driver, installs JAX for the CUDA that the driver can do into .venv, and says where the log is. Told again after the machine
# was taken away, the second command goes on where it was. Without a GPU it says so; with `--cpu` before the verb it does the same on the CPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source launch/environment.sh

on_cpu=no
if [ "${1:-}" = --cpu ]; then
  on_cpu=yes
  shift
fi
if [ $# -lt 1 ]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
workdir=""
for word in "$@"; do
  case $word in --workdir=*) workdir=${word#--workdir=} ;; esac
done
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
  sed 's/^/GPU: /' <<<"$listed"
  driver=$(head -n 1 <<<"$listed" | cut -d, -f2 | tr -d ' ')
  cuda=$(cuda_of_driver "$driver") || exit 2
fi
[ -n "$workdir" ] && pid_file=$workdir.pid log=$workdir.log

# Of a process by that number that is something else now, the file is from before the machine started anew.
if [ -n "$workdir" ] && [ -f "$pid_file" ] && ps -p "$(cat "$pid_file")" -o args= 2>/dev/null | grep -q gan_jax; then
  echo "gan_jax: $workdir: at work already (process $(cat "$pid_file")); it says how far in $log" >&2
  exit 2
fi

prepare_environment requirements.txt
if [ "$gpus" -gt 0 ]; then
  version=$("$python" -c 'import importlib.metadata; print(importlib.metadata.version("jax"))')
  if ! "$python" -c "import importlib.metadata as m; assert m.version('jax-$cuda-plugin') == '$version'" 2>/dev/null; then
    echo "Installing jax[$cuda]==$version for driver $driver (some minutes, once)"
    "$python" -m pip install --quiet --disable-pip-version-check "jax[$cuda]==$version"
  fi
  seen=$("$python" -c 'import jax; print(jax.local_device_count() if jax.default_backend() == "gpu" else 0)')
  if [ "$seen" != "$gpus" ]; then
    echo "gan_jax: JAX sees $seen of $gpus GPUs; \`$python -c 'import jax; jax.devices()'\` says why" >&2
    exit 1
  fi
  echo "JAX $version for $cuda sees all $gpus"
  # Nothing else is at work here: JAX takes three quarters of the memory if not told.
  export XLA_PYTHON_CLIENT_MEM_FRACTION=${XLA_PYTHON_CLIENT_MEM_FRACTION:-0.9}
else
  export JAX_PLATFORMS=cpu
fi

if [ "$1" = check ]; then
  shift
  # DCGAN as published: a minute with compiling, and a row of the README's table to compare with.
  exec "$python" -m gan_jax benchmark --config=configs/dcgan.py --workdir=runs/check "$@"
fi

mkdir -p "$(dirname "$workdir")"
# Of its own session: logging out doesn't end it.
setsid nohup "$python" -m gan_jax "$@" >>"$log" 2>&1 </dev/null &
echo $! >"$pid_file"
echo "started; see    tail -f $log"
echo "stop it with    kill $(cat "$pid_file")    (it saves first); the same command goes on"
