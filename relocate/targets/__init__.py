# SPDX-License-Identifier: Apache-2.0
"""Target selection: the part a MEC orchestrator (MEO) plays. `contract` says what a selector is."""
