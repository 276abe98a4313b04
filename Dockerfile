# SPDX-License-Identifier: Apache-2.0
# The service: `relocate api`, `relocate worker`, `relocate gateway-control`, and the command itself. `make image` builds it.
#
# What is installed lies in build/wheels (`make wheels`), by the hashes of requirements/image.txt, and in build/programs
# (`make programs`: helm and kustomize): no index is asked here. The base is any image with Python 3.11. Not in it: the
# servers of `relocate demo`.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS installed
ARG SOURCE_DATE_EPOCH=0
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
COPY build/wheels /wheels
COPY image/install.py image/sbom.py /image/
RUN ["python3", "/image/install.py", "/wheels", "/opt/relocate"]
COPY build/programs/modules.txt /image/
RUN ["python3", "/image/sbom.py", "/opt/relocate", "/opt/relocate/sbom.spdx.json", "/image/modules.txt"]

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="edge-relocation" \
      org.opencontainers.image.description="Moves an edge application from one cluster to another, and proves that no request was lost." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY build/programs/bin /usr/local/bin
COPY --from=installed /opt/relocate /opt/relocate
# No user of that number need exist. Nothing is written but to /tmp, and that only by what is told to.
ENV PATH=/opt/relocate/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/relocate PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
USER 65532:65532
WORKDIR /tmp
EXPOSE 8070 8071 18000
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["python3", "-m", "relocate", "healthy"]
ENTRYPOINT ["python3", "-m", "relocate"]
CMD ["--help"]
