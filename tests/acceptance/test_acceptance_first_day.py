"""Where there is nothing yet, pages show a first handler; whoever copies it has one."""

import html
import re

from schedulezero.testkit.deployment import Deployment


def test_the_handler_that_an_empty_page_shows_can_be_started_as_the_page_says_and_works(deployment: Deployment) -> None:
    deployment.up()
    page = deployment.api.get("/handlers").text
    (code,) = re.findall(r'<code id="first-handler">(.*?)</code>', page, re.DOTALL)
    (started,) = re.findall(r"uv run schedulezero handler (\S+)</code>", page)
    (deployment.directory / "reports.py").write_text(html.unescape(code))

    deployment.serve("reports-1", started).start()
    deployment.await_instances("reports-1", handler_id="reports")
    ran = deployment.api.run("reports", "do_work", wait_seconds=20)

    assert (ran["status"], ran["result"]) == ("success", "worked on today.csv")
