# SPDX-License-Identifier: Apache-2.0
"""The UE's traffic: open loop, without retries, every request accounted for as exactly one outcome.

Requests are due on a fixed timetable, whatever happened to the ones before, and latency counts from the moment a
request was due: an outage can therefore neither hide nor slow down the count of what it cost ("coordinated omission").
"""
