# SPDX-License-Identifier: Apache-2.0
"""`adopt` looks, `adopt --take` takes over, `release` gives back."""

from relocate.cli.exits import Exit


def test_adopt_only_looks(relocate, database):
    """It says what was found and what would change, and leaves it at that."""
    result = relocate("adopt", "assist", "mec-a")
    assert result.exit_code == Exit.DONE
    assert result.stdout.splitlines() == [
        "Found:",
        "  Deployment web",
        "Would change:",
        "  Deployment web gets the labels relocation.edge/...",
        "Nothing was changed. Take it over with --take.",
    ]
    assert database.placements.of("assist") == []


def test_adopt_says_what_stops_it(relocate):
    """The exit code says so too, so that a script need not read it."""
    result = relocate("adopt", "assist", "mec-b")
    assert result.exit_code == Exit.OTHERWISE
    assert result.stdout.splitlines()[-2:] == ["Stops it:", "  Deployment web is kept by Argo CD application shop"]


def test_what_was_taken_is_given_back(relocate, database):
    """Then it is placed nowhere."""
    assert "assist serves from mec-a, and is ours" in relocate("adopt", "assist", "mec-a", "--take").stdout
    assert database.placements.active("assist").created_by == "adopt"
    assert relocate("release", "assist").stdout == "assist was given back; nothing of ours is left on it.\n"
    assert database.placements.of("assist") == []


def test_what_was_placed_is_not_given_back(relocate):
    """It never was anybody else's."""
    relocate("place", "assist", "mec-a")
    result = relocate("release", "assist")
    assert result.exit_code == Exit.REFUSED
    assert "assist was not adopted" in result.stderr
