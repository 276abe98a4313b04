# SPDX-License-Identifier: Apache-2.0
# The image of trials: the service's, and Temporal's development server. `make image-dev` builds it.
ARG BASE
FROM ${BASE}
COPY temporal /usr/local/bin/temporal
# It asks who it is, and nobody has the number of the user.
ENV USER=relocate
