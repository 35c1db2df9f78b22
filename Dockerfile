# The image of the sidecar: docs/image.md says how to build, verify and sign it.
# Builds alike with Docker, Podman and Buildah, also without a network (see `wheels` below).

# Any image with Python 3.11 or newer, its venv module and CA certificates. Pin it by digest in your
# own pipeline (--build-arg BASE=...@sha256:...): only whoever pulls it can know the digest.
# checkov:skip=CKV_DOCKER_7: does not look into the argument, which has a version
ARG BASE=docker.io/library/python:3.13.15-slim-trixie
# The same Python with a C compiler: the request path is compiled (docs/adr/0009).
# checkov:skip=CKV_DOCKER_7: as above
ARG BUILDER=docker.io/library/python:3.13.15-trixie

FROM ${BUILDER} AS build
# A package index other than pip's own default; neither is set in the final image.
ARG PIP_INDEX_URL
ARG PIP_NO_INDEX
# Byte code must not depend on the order of sets.
ENV PYTHONHASHSEED=0
WORKDIR /build
# `wheels` may be missing. What is in it must have the hashes of the lock files, like all else.
COPY requirements.txt requirements-build.txt wheels* ./
RUN python3 -m venv tools \
 && tools/bin/pip install --no-cache-dir --no-compile --require-hashes --only-binary=:all: \
      --find-links . -r requirements-build.txt \
 && python3 -m venv --without-pip /opt/zep-sidecar \
 && tools/bin/pip --python /opt/zep-sidecar/bin/python3 install --no-cache-dir --no-compile \
      --require-hashes --only-binary=:all: --find-links . -r requirements.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY sidecar sidecar
# Byte code by the hash of its source, which no change of a file's time can make stale: without it,
# every start would compile for a second, as a read-only root cannot keep the result. The standard
# library is compiled too, because slim images come without its byte code. And so are the patterns
# of `re` (docs/adr/0010).
ENV PYTHONPYCACHEPREFIX=/opt/zep-sidecar/pycache
RUN tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && tools/bin/pip --python /opt/zep-sidecar/bin/python3 install --no-cache-dir --no-compile \
      --no-index --no-deps --find-links dist zep-sidecar \
 && /opt/zep-sidecar/bin/python3 -P -c \
      'from sidecar.app import NATIVE; NATIVE or exit("the request path was not compiled")' \
 && rm /opt/zep-sidecar/bin/[Aa]ctivate* \
 && rm -rf /opt/zep-sidecar/pycache \
 && stdlib="$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/zep-sidecar/lib \
 && python3 -m compileall -q --invalidation-mode unchecked-hash \
      -x '/(test|tests|idlelib|tkinter|turtledemo|ensurepip|pydoc_data|lib2to3|(site|dist)-packages)/' \
      "$stdlib" \
 && /opt/zep-sidecar/bin/zep-sidecar redact </dev/null \
 && mkdir -m 0700 empty

FROM ${BASE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="zep-sidecar" \
      org.opencontainers.image.description="A redacting proxy between a worker and Zep" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/zep-sidecar/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPYCACHEPREFIX=/opt/zep-sidecar/pycache \
    PYTHONDONTWRITEBYTECODE=1
COPY --from=build /opt/zep-sidecar /opt/zep-sidecar
# For the admin socket and for the state file: a pod mounts something writable over both.
COPY --from=build --chown=65532:65532 /build/empty /run/zep-sidecar
COPY --from=build --chown=65532:65532 /build/empty /var/lib/zep-sidecar
USER 65532:65532
WORKDIR /
# The proxy itself listens on loopback only; this is the port of health and metrics.
EXPOSE 9464
# The kubelet asks /livez and /readyz over HTTP. A check in here would start a Python every time.
HEALTHCHECK NONE
ENTRYPOINT ["zep-sidecar"]
CMD ["run"]
