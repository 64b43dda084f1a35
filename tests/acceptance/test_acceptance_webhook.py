"""Webhooks are told of the end of executions, by real processes: also when the scheduler is killed before it could."""

import hashlib
import hmac
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schedulezero.testkit.api import Api, job
from schedulezero.testkit.deployment import Deployment, NewDeployment
from schedulezero.testkit.waiting import eventually
from schedulezero.testkit.webhooks import Webhook, hang, status

SECRET = "tell nobody of this one"
ONCE = {"max_attempts": 1}
EVERY_SECOND = {"type": "interval", "seconds": 1}
HOURLY = {"type": "interval", "hours": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Every part a process of its own, and the webhook that is told of every execution."""

    deployment: Deployment
    webhook: Webhook

    @property
    def api(self) -> Api:
        return self.deployment.api

    def sample(self, name: str, **labels: str) -> float | None:
        """Return what the scheduler's metrics say."""
        port = self.deployment.ports["SCHEDULEZERO_SCHEDULER_METRICS_PORT"]
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return next((one.value for one in samples if (one.name, one.labels) == (name, labels)), None)

    def await_nothing_pending(self) -> None:
        eventually(lambda: self.sample("schedulezero_notifications_pending") == 0, what="nothing to be pending")


@pytest.fixture(scope="module")
def told(new_deployment: NewDeployment) -> Iterator[Told]:
    with Webhook() as webhook, new_deployment("webhook") as deployment:
        deployment.registry.start()
        deployment.scheduler.start(
            SCHEDULEZERO_SCHEDULER_WEBHOOK_URL=webhook.url,
            SCHEDULEZERO_SCHEDULER_WEBHOOK_SECRET=SECRET,
        )
        deployment.web.start()
        deployment.await_ready()
        deployment.handler("work-1").start()
        deployment.await_instances("work-1")
        yield Told(deployment=deployment, webhook=webhook)


def test_the_instances_webhook_gets_the_record_of_what_failed_signed(told: Told) -> None:
    told.api.run("work", "noop", wait_seconds=10)
    failed = told.api.run("work", "fail_for_good", {"why": "no use"}, retry=ONCE, wait_seconds=10)

    [taken] = told.webhook.wait_for(1)

    record = told.api.execution(failed["execution_id"])
    record.pop("attempts")
    assert taken.message == {
        "type": "execution.finished",
        "id": taken.delivery,
        "time": taken.message["time"],
        "data": record,
    }
    signed = taken.headers["x-schedulezero-timestamp"].encode() + b"." + taken.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert taken.headers["x-schedulezero-signature"] == f"sha256={expected}"
    told.await_nothing_pending()
    assert told.sample("schedulezero_webhook_deliveries_total", outcome="delivered") == 1


def test_what_was_not_taken_when_the_scheduler_was_killed_is_sent_after_its_restart(told: Told) -> None:
    scheduler = told.deployment.scheduler
    with Webhook(hang) as webhook:
        notify = {"url": webhook.url, "on": ["success"]}
        id_ = told.api.run("work", "echo", {"n": 7}, notify=notify, wait_seconds=10)["execution_id"]
        [first] = webhook.wait_for(1)

        scheduler.kill()
        scheduler.start()

        _, again = webhook.wait_for(2)
        assert (again.delivery, again.body) == (first.delivery, first.body)
        assert again.message["data"]["execution_id"] == id_
        told.await_nothing_pending()
        assert len(webhook.requests) == 2
    told.deployment.await_ready()


def test_who_answers_500_is_sent_the_same_delivery_again(told: Told) -> None:
    with Webhook(status(500), status(503)) as webhook:
        told.api.run("work", "noop", notify={"url": webhook.url, "on": ["success"]}, wait_seconds=10)

        first, second = webhook.wait_for(2, within=60)

        assert (first.delivery, first.body) == (second.delivery, second.body)


def test_a_schedule_tells_of_its_fires_until_it_is_changed(told: Told) -> None:
    api = told.api
    with Webhook() as webhook:
        notify = {"url": webhook.url, "on": ["success"]}
        id_ = api.schedule("work", "noop", EVERY_SECOND, notify=notify)
        assert api.read(f"/api/schedules/{id_}")["notify"] == notify

        taken = webhook.wait_for(2)

        assert {one.message["data"]["schedule_id"] for one in taken} == {id_}
        assert len({one.delivery for one in taken}) == len(taken)
        changed = api.patch(f"/api/schedules/{id_}", json={"notify": None, "trigger_config": HOURLY})
        assert changed.json()["notify"] is None
        api.delete(f"/api/schedules/{id_}")


def test_schedules_fire_and_runs_end_while_webhooks_hang(told: Told) -> None:
    with Webhook(*[hang] * 100) as webhook:
        notify = {"url": webhook.url, "on": ["success"]}
        runs = [job("work", "noop", notify=notify)] * 50
        ids = told.api.do("/api/run_now/batch", {"runs": runs})["execution_ids"]
        webhook.wait_for(1)

        answer = told.api.run("work", "noop", notify=notify, wait_seconds=10)

        assert answer["status"] == "success"
        assert {told.api.ended(id_)["status"] for id_ in ids} == {"success"}
        pending = told.sample("schedulezero_notifications_pending")
        assert pending is not None
        assert pending >= 49


def test_the_secret_is_shown_nowhere(told: Told) -> None:
    command = (sys.executable, "-m", "schedulezero.standalone", "config", "show")
    shown = told.deployment.program("show", command, SCHEDULEZERO_SCHEDULER_WEBHOOK_SECRET=SECRET).start()

    assert shown.wait() == 0
    assert 'webhook_secret: "***"' in shown.text
    texts = [program.text for program in told.deployment.programs]
    assert SECRET not in "".join([*texts, told.api.get("/api/config").text])


URL = "http://127.0.0.1:9/"
BAD = {
    "no URL": ({"on": ["error"]}, "url"),
    "a URL that is a number": ({"url": 5}, "url"),
    "another scheme": ({"url": "ftp://h/"}, "url"),
    "no scheme": ({"url": "h/hook"}, "url"),
    "no host": ({"url": "https:///hook"}, "url"),
    "a user and a password": ({"url": "https://me:hunter2@h/"}, "url"),
    "a port that is none": ({"url": "https://h:99999/"}, "url"),
    "a space": ({"url": "https://h/a b"}, "url"),
    "a URL that is too long": ({"url": "https://h/" + "x" * 2000}, "url"),
    "no status": ({"url": URL, "on": []}, "on"),
    "a status that is none": ({"url": URL, "on": ["error", "failed"]}, "on[1]"),
    "a status that is not final": ({"url": URL, "on": ["running"]}, "on[0]"),
    "statuses in one text": ({"url": URL, "on": "error"}, "on"),
    "an unknown field": ({"url": URL, "events": ["error"]}, "events"),
}


@pytest.mark.parametrize(("notify", "path"), BAD.values(), ids=list(BAD))
def test_bad_input_is_refused_with_its_path(told: Told, notify: Any, path: str) -> None:
    run = job("work", "noop", notify=notify)
    asked = [
        ("POST", "/api/run_now", run, f"notify.{path}"),
        ("POST", "/api/run_now/batch", {"runs": [job("work", "noop"), run]}, f"runs[1].notify.{path}"),
        ("POST", "/api/schedule", run | {"trigger_config": HOURLY}, f"notify.{path}"),
        ("PATCH", "/api/schedules/any", {"notify": notify}, f"notify.{path}"),
    ]
    for verb, to, body, at in asked:
        answer = told.api.request(verb, to, json=body)

        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["details"][0]["path"] == at
        assert "hunter2" not in answer.text


def test_nothing_of_this_has_left_a_traceback(told: Told) -> None:
    assert told.deployment.tracebacks == []
