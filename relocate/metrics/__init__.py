# SPDX-License-Identifier: Apache-2.0
"""What processes say of themselves to Prometheus, prefix `relocate_`: `worker` and `control` by process, `temporal` for the SDK.

No label holds an id, a UE or anything else that a caller can choose: what is told apart is named in our code, or configured.
What the database knows is said by the API (`api.metrics`); what a process does is said by that process: add it up.
"""
