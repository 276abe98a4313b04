# SPDX-License-Identifier: Apache-2.0
"""Alembic's folder: `env.py` is its entry, `versions` holds one module per change of the schema."""
