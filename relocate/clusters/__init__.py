# SPDX-License-Identifier: Apache-2.0
"""Cluster drivers: where instances run. `contract` says what a driver is; the other modules are drivers."""
