# The program on NVIDIA GPUs (driver 580 or newer, with the NVIDIA Container Toolkit), from the project's folder:
#
#     docker build -f launch/gpu.Dockerfile -t gan_jax:gpu .
#     docker run --rm --gpus all -v gan_jax_runs:/home/painter/gan_jax/runs gan_jax:gpu                          # the demo
#     docker run --rm --gpus all -v gan_jax_runs:/home/painter/gan_jax/runs gan_jax:gpu python -m gan_jax study --workdir=runs/demo
FROM python:3.13.7-slim-bookworm

RUN useradd --create-home --uid 1000 painter && install --directory --owner=painter /home/painter/gan_jax
USER painter
WORKDIR /home/painter/gan_jax
COPY --chown=painter requirements.txt ./
COPY --chown=painter launch launch
# The same script as everywhere else, and CUDA with it; which versions, stands in newest.txt.
RUN ["env", "PIP_NO_CACHE_DIR=1", "PIP_CONSTRAINT=launch/newest.txt", "bash", "-c", "source launch/environment.sh && prepare_environment requirements.txt && $python -m pip install --quiet 'jax[cuda13]'"]
COPY --chown=painter configs configs
COPY --chown=painter gan_jax gan_jax
# A new volume that is mounted there belongs to its user then; a folder of one's own wants --user="$(id -u)".
RUN mkdir runs
# What the toolkit makes visible.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility XLA_PYTHON_CLIENT_MEM_FRACTION=0.9
ENV PATH=/home/painter/gan_jax/.venv/bin:$PATH
VOLUME /home/painter/gan_jax/runs
CMD ["bash", "launch/demo.sh"]
