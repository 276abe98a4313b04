# SPDX-License-Identifier: Apache-2.0
"""Who may call: what callers show of themselves, in whose projects they may do what, and the record of what they did."""
