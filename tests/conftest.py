# SPDX-License-Identifier: Apache-2.0
"""What every test relies on."""

import signal

pytest_plugins = ["tests.containers.fixtures", "tests.image.fixtures"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, and programs that tests start would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
