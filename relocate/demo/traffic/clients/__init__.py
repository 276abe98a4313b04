# SPDX-License-Identifier: Apache-2.0
"""The UE's clients. None of them sends anything twice; each says so where its library would have.

Each client raises `NotRightError` when there is no right answer, and nothing else that it can foresee.
"""
