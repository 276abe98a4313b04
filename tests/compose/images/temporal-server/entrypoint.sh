#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Members find each other by an address: where all are listened on (BIND_ON_IP=0.0.0.0), this container's own is announced.
set -eu
own=$(hostname -i | cut -d ' ' -f 1)
export BIND_ON_IP="${BIND_ON_IP:-$own}" TEMPORAL_BROADCAST_ADDRESS="${TEMPORAL_BROADCAST_ADDRESS:-$own}"
exec temporal-server start
