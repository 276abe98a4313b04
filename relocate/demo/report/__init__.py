# SPDX-License-Identifier: Apache-2.0
"""What the demonstration measured: from raw records to accounts, a report and a verdict. Pure but for its one writer."""

from relocate.demo.report.build import build_report, write_report
from relocate.demo.report.model import Claim, Drive, Order, PhaseReport, RelocationReport, Report
from relocate.demo.report.verdict import exit_code, verdict

__all__ = [
    "Claim",
    "Drive",
    "Order",
    "PhaseReport",
    "RelocationReport",
    "Report",
    "build_report",
    "exit_code",
    "verdict",
    "write_report",
]
