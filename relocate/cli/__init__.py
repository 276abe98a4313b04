# SPDX-License-Identifier: Apache-2.0
"""The `relocate` command: it starts our processes, and it is a client of the API."""


def main() -> None:
    """The console script."""
    from relocate.cli.program import app  # noqa: PLC0415 - keeps `import relocate.cli` free of the whole command line

    app()
