#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the namespace `default`, and the search attributes by which Temporal's page finds relocations.
set -eu
# By address: for a name gRPC asks the DNS for more than that, and waits 20 s where no DNS can be reached.
address=$(getent hosts "${TEMPORAL_ADDRESS%:*}" | cut -d ' ' -f 1)
export TEMPORAL_ADDRESS="$address:${TEMPORAL_ADDRESS##*:}"

tries=60
until temporal operator cluster health >/dev/null 2>&1; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { temporal operator cluster health; exit 1; }
  sleep 1
done
temporal operator namespace describe --namespace default >/dev/null 2>&1 ||
  temporal operator namespace create --namespace default --retention 72h
# A namespace is known everywhere some seconds after it was made.
tries=60
until temporal operator search-attribute list --namespace default >/dev/null 2>&1; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { temporal operator search-attribute list --namespace default; exit 1; }
  sleep 1
done
for name in Application Status Phase Outcome Source Target; do
  set -- "$@" --name "Relocate$name" --type Keyword
done
temporal operator search-attribute create --namespace default "$@"
