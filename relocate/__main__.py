# SPDX-License-Identifier: Apache-2.0
"""`python -m relocate` is the command `relocate`."""

from relocate.cli import main

main()
