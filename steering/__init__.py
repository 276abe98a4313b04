# SPDX-License-Identifier: Apache-2.0
"""Traffic steering: the adapter contract, the adapters, the store and the conformance kit."""
