# SPDX-License-Identifier: Apache-2.0
"""Readiness: the probe contract, the probes and the gate."""
