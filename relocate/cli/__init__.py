# SPDX-License-Identifier: Apache-2.0
"""The `relocate` command: it starts our processes, and it is a client of the API."""

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it; `exits` may not be there yet when it is pressed."""


def main() -> None:
    """The console script."""
    try:
        from relocate.cli.program import app  # noqa: PLC0415 - keeps `import relocate.cli` free of the whole command line

        app()
    except KeyboardInterrupt as interrupt:
        raise SystemExit(INTERRUPTED) from interrupt
