# SPDX-License-Identifier: Apache-2.0
"""The Envoy control plane: route documents in, incremental xDS (delta ADS) out."""
