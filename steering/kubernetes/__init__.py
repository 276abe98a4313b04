# SPDX-License-Identifier: Apache-2.0
"""Speaking with a Kubernetes API server: connections, requests, watches, errors. Needs `edge-relocation[kubernetes]`."""
