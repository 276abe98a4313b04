# SPDX-License-Identifier: Apache-2.0
"""Where routes, acknowledgements and gateway instances are kept: SQLAlchemy Core, SQLite or PostgreSQL.

Every function here blocks; asynchronous callers go through `asyncio.to_thread`.
"""
