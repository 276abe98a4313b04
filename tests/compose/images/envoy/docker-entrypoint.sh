#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -eu
case "${1:-}" in
  -*) set -- envoy "$@" ;;
esac
exec "$@"
