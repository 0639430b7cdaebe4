"""Rate limits: nginx responds with the JSON error of the app, and other clients are not affected."""

import uuid

from tests.stack.conftest import VARIABLES
from tests.support.stack.asking import client, is_refusal
from tests.support.stack.stack import Stack

_UPLOADS = int(VARIABLES["UPLOADS_BURST"])
_COLD = int(VARIABLES["COLD_THUMBNAILS_BURST"])


def test_a_client_that_uploads_too_often_gets_429_and_another_does_not(stack: Stack) -> None:
    broken = {"image": ("a.txt", b"no picture")}
    with client(stack) as greedy, client(stack) as modest:
        answers = [greedy.post("/api/upload", files=broken) for _ in range(_UPLOADS + 30)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(is_refusal(answer, "rate_limited") for answer in refused)
        assert 1 <= len(refused) <= 30
        assert answers[0].json()["code"] == "unsupported_type"
        # The three endpoints are counted together.
        other = [greedy.post("/api/async/batch/upload", files={"images": broken["image"]}) for _ in range(10)]
        assert is_refusal(other[-1], "rate_limited")
        assert greedy.get("/api/list").status_code == 200
        assert modest.post("/api/upload", files=broken).status_code == 400


def test_a_client_that_asks_for_too_many_cold_thumbnails_gets_429(stack: Stack) -> None:
    with client(stack) as greedy:
        answers = [greedy.get(f"/api/thumbnails/{uuid.uuid4()}") for _ in range(_COLD + 20)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert all(is_refusal(answer, "rate_limited") for answer in refused)
        assert 1 <= len(refused) <= 20
        assert greedy.get("/healthz").status_code == 200
