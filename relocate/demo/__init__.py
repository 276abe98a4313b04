# SPDX-License-Identifier: Apache-2.0
"""The demonstration: the whole service on one machine, a user on the move, and a verdict. `run` tells the story."""
