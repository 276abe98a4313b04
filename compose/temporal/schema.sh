#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes Temporal's two databases, or brings them up to date (SQL_HOST, SQL_PORT, SQL_USER and SQL_PLUGIN are told).
set -eu
SQL_PASSWORD=$(cat /run/secrets/database/password)
export SQL_PASSWORD

for name in temporal temporal_visibility; do
  export SQL_DATABASE=$name
  temporal-sql-tool create-database 2>/dev/null || echo "$name is there"   # what else may be wrong, the next line says
  temporal-sql-tool setup-schema --version 0.0
  temporal-sql-tool update-schema --schema-name "postgresql/v12/${name#temporal_}"
done
