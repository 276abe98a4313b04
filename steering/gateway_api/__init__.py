# SPDX-License-Identifier: Apache-2.0
"""Routes as HTTPRoutes, or GRPCRoutes, of the Kubernetes Gateway API. Needs `edge-relocation[kubernetes]`.

One document is one such object, so that one write changes everything at once. Status proves nothing (reference:
gateway-api.md, 2 to 4), so every replica of the gateway is asked by itself, as a UE would ask.
"""
