"""What a doctor found, as the commands show it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chatdesk.cli.showing import output, plain
from chatdesk.finding import Finding


async def show_findings(findings: AsyncIterator[Finding]) -> bool:
    """Show each finding as it comes, with what to do on a line of its own; tell whether all are good."""
    console, all_good = output(), True
    async for finding in findings:
        all_good = all_good and finding.good
        console.print(plain(f"{'good' if finding.good else 'BAD '}  {finding.text}"), soft_wrap=True)
        if finding.fix and not finding.good:
            console.print(plain(f"      {finding.fix}"), soft_wrap=True)
    return all_good
