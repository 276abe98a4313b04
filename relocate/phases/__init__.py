# SPDX-License-Identifier: Apache-2.0
"""The decisions of a relocation: functions from what was seen to what follows, and the sentence that explains it.

No I/O, no clock, no Temporal. A guard called `why_not_...` answers the reason that stands in the way, or None.
"""
