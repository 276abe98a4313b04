# SPDX-License-Identifier: Apache-2.0
"""An EMCO of our own, for demonstrations and tests: the REST of its orchestrator, clm and dcm that a relocation needs, on real clusters.

Paths, codes, states and answers are EMCO's, and so are its traps (docs/explanation/emco.md). What a cluster is, and what an
application runs there, is said in our own words in the files that EMCO takes for kubeconfigs and charts.
"""
