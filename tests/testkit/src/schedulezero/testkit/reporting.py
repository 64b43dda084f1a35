"""What failed tests show besides their own words."""

import pytest

from schedulezero.testkit.deployment import Deployment


def show_logs(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add to the report of a failed test what the programs of its deployments have said."""
    deployments = [value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Deployment)]
    if report.failed:
        for program in (program for deployment in deployments for program in deployment.programs):
            if program.tail:
                report.sections.append((f"end of the log of {program.name}", program.tail))
