# SPDX-License-Identifier: Apache-2.0
"""What a violated invariant is called."""


class Broken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, sentence: str) -> None:
        """Args: invariant: its short name; sentence: what was seen."""
        super().__init__(f"{invariant}: {sentence}")
        self.invariant = invariant
        self.sentence = sentence
