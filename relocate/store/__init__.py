# SPDX-License-Identifier: Apache-2.0
"""What outlives runs, or is read without a worker: one database, a module per subject.

Everything here is synchronous SQLAlchemy; asynchronous callers go through `asyncio.to_thread`. One method is one
transaction.
"""
