# The program on a CPU, from the project's folder:
#
#     docker build -f launch/cpu.Dockerfile -t gan_jax .
#     docker run --rm -v gan_jax_runs:/home/painter/gan_jax/runs gan_jax                          # the demo
#     docker run --rm -v gan_jax_runs:/home/painter/gan_jax/runs gan_jax python -m gan_jax study --workdir=runs/demo
FROM python:3.13.7-slim-bookworm

RUN useradd --create-home --uid 1000 painter && install --directory --owner=painter /home/painter/gan_jax
USER painter
WORKDIR /home/painter/gan_jax
COPY --chown=painter requirements.txt ./
COPY --chown=painter launch launch
# The same script as everywhere else; which versions, stands in newest.txt.
RUN ["env", "PIP_NO_CACHE_DIR=1", "PIP_CONSTRAINT=launch/newest.txt", "bash", "-c", "source launch/environment.sh && prepare_environment requirements.txt"]
COPY --chown=painter configs configs
COPY --chown=painter gan_jax gan_jax
# A new volume that is mounted there belongs to its user then; a folder of one's own wants --user="$(id -u)".
RUN mkdir runs
ENV PATH=/home/painter/gan_jax/.venv/bin:$PATH
VOLUME /home/painter/gan_jax/runs
CMD ["bash", "launch/demo.sh"]
