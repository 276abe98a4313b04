# SPDX-License-Identifier: Apache-2.0
"""The sentence at the end, and the exit code that goes with it."""

from relocate.demo.report.bounds import interval, most_likely_below
from relocate.demo.report.model import Account, Report


def passed(ours: Account) -> bool:
    """Whether something was sent, nothing lost, and nothing wrong."""
    return ours.sent > 0 and ours.lost == 0 and ours.wrong == 0


def exit_code(report: Report) -> int:
    """0 only if the service's drives lost nothing and nothing was wrong."""
    return 0 if report.passed else 1


def verdict(ours: Account, today: Account | None) -> str:
    """What was measured, with its bound, in one sentence."""
    if ours.sent == 0:
        return "sent 0: nothing was measured"
    parts = [f"sent {ours.sent}", f"lost {ours.lost} ({bound_in_words(ours)})"]
    if ours.wrong:
        parts.append(f"wrong {ours.wrong}")
    if ours.cut:
        parts.append(f"streams cut {ours.cut}")
    sentence = f"{', '.join(parts)}, longest gap {ours.longest_gap_ms:.0f} ms"
    return sentence if today is None else f"{sentence}; {_today(today)}"


def bound_in_words(account: Account) -> str:
    """What the number of lost requests says about the rate behind it."""
    if account.lost == 0:
        percent = 100 * most_likely_below(0, account.sent)
        return f"with 95 % confidence fewer than 3/{account.sent} of requests, {percent:.2g} %"
    shares = (account.lost / account.sent, *interval(account.lost, account.sent))
    seen, low, high = (f"{100 * share:.2f} %" for share in shares)
    return f"{seen}; with 95 % confidence between {low} and {high} of requests"


def lost_share_at_most(account: Account) -> float:
    """The upper end of the bound; 1 when nothing was sent."""
    if account.sent == 0:
        return 1.0
    return interval(account.lost, account.sent)[1] if account.lost else most_likely_below(0, account.sent)


def _today(today: Account) -> str:
    wrong = f", {today.wrong} wrong" if today.wrong else ""
    return f"today's order lost {today.lost} of {today.sent}{wrong}, longest gap {today.longest_gap_ms:.0f} ms"
