# SPDX-License-Identifier: Apache-2.0
"""What activities do to the world, step by step: the effects of `relocate.activities` in their order, their real decisions.

A module here stands for the one of the same name there.
"""

from collections.abc import Generator
from typing import Any

Steps = Generator[str, None, Any]
"""One activity. A `yield` is a moment at which anything else may happen, named after what comes next; a name that begins
with "look" says that nothing is changed any more from there on. It returns what the activity answers, and raises the
activity's own errors."""
