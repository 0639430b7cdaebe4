"""CHANNEL_LAYERS is honoured, messages of other applications are ignored, and connections open no channels."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any
from uuid import uuid4

import pytest
import redis as redis_client
from channels_redis.pubsub import RedisPubSubChannelLayer
from hypothesis import given
from hypothesis import strategies as st

from images.live.events import ForeignMessageError, probe_token, received_events
from tests.support.fuzz.effort import search
from tests.support.live.live_site import frame_of, frames_before_pong, frames_of, live_site
from tests.support.servers import Redis, redis_server

OWN_LAYER = "tests.support.live.other_layer_settings.OwnLayer"
PUBSUB_LAYER = "channels_redis.pubsub.RedisPubSubChannelLayer"
CORE_LAYER = "channels_redis.core.RedisChannelLayer"
TEXT = '{"type": "send_upload_notification"}'
GENUINE: dict[str, Any] = {"type": "image.events", "group": "all", "events": [["0" * 32, "image", TEXT]]}


@pytest.fixture(scope="module")
def other_redis() -> Iterator[Redis]:
    with redis_server() as server:
        yield server


def names_in(url: str) -> set[str]:
    """The channels and keys of a Redis whose names have the prefix `ours`."""
    with redis_client.Redis.from_url(url) as client:
        return {name.decode() for name in [*client.pubsub_channels("ours*"), *client.keys("ours*")]}


@pytest.mark.parametrize("backend", [PUBSUB_LAYER, CORE_LAYER, OWN_LAYER])
async def test_events_use_the_backend_the_host_and_the_prefix_of_the_setting(
    redis: Redis, other_redis: Redis, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    layer = {"BACKEND": backend, "CONFIG": {"hosts": [other_redis.url], "prefix": "ours"}}
    await events_arrive(redis, monkeypatch, layer)
    assert names_in(redis.url) == set()


async def test_groups_may_be_spread_over_several_hosts(
    redis: Redis, other_redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = {"BACKEND": PUBSUB_LAYER, "CONFIG": {"hosts": [other_redis.url, redis.url], "prefix": "ours"}}
    await events_arrive(redis, monkeypatch, layer)


async def events_arrive(redis: Redis, monkeypatch: pytest.MonkeyPatch, layer: dict[str, Any]) -> None:
    monkeypatch.setenv("LAYER", json.dumps(layer))
    with live_site(redis.url, settings="tests.support.live.other_layer_settings") as site:
        batches = [str(uuid4()) for _ in range(4)]
        ids = [site.actor.create_images(count=1, batch=batch)[0] for batch in batches]
        query = "&".join(f"batch={batch}" for batch in batches)
        async with site.connect() as plain, site.connect(f"?{query}") as watching:
            assert (await frame_of(plain))["type"] == "connected"
            await frames_of(watching, 5)
            hosts = layer["CONFIG"]["hosts"]
            assert any("group" in name for url in hosts for name in names_in(url))
            site.actor.change_status(ids=ids, status="processing")
            for client in (plain, watching):
                assert {frame["job_id"] for frame in await frames_of(client, 4)} == set(ids)
        assert "live events" not in site.log.lower()


def wrong_messages() -> list[Any]:
    """Messages of all sorts, and the genuine one with each key missing or of another type."""
    tokens: list[Any] = [None, 7, [], {}, "unknown"]
    others: list[Any] = [None, 7, {}, ["x"], [[]], [7]]
    fields: list[Any] = [None, 7, [], {}, "{", "[]", "", b"\xff"]
    wrong: list[Any] = [None, 7, "text", [], ["type"], {}, {"type": "chat.message", "message": "hello"}]
    wrong += [{"type": "subscription.probe", "token": token} for token in tokens]
    wrong.append({"type": "subscription.probe"})
    for key in GENUINE:
        wrong.append({name: value for name, value in GENUINE.items() if name != key})
        wrong += [{**GENUINE, key: value} for value in others]
    for position in range(3):
        for value in fields:
            message = deepcopy(GENUINE)
            if position or not isinstance(value, str):  # any text is an id
                message["events"][0][position] = value
                wrong.append(message)
    return wrong


async def test_messages_of_other_applications_in_our_groups_end_no_subscription(redis: Redis) -> None:
    with live_site(redis.url) as site:
        batch = str(uuid4())
        (one,) = site.actor.create_images(count=1, batch=batch)
        layer = RedisPubSubChannelLayer(hosts=[redis.url])
        async with site.connect() as plain, site.connect(f"?batch={batch}") as watching:
            await frame_of(plain)
            await frames_of(watching, 2)
            for group in ("all", f"batch.{batch.replace('-', '')}"):
                for message in wrong_messages():
                    await layer.group_send(group, message)
                with redis_client.Redis.from_url(redis.url) as client:
                    for raw in (b"", b"\xc1", b"no msgpack"):
                        assert client.publish(f"asgi__group__{group}", raw) == 1
            site.actor.change_status(ids=[one], status="pending")
            for client in (plain, watching):
                assert (await frame_of(client))["job_id"] == one
                assert await frames_before_pong(client) == []
        await layer.flush()
        assert site.log.count("Ignored a message") == 1
        assert "The subscription to live events was lost" not in site.log


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner),
    max_leaves=12,
)
almost_genuine = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["image.events", "subscription.probe", "other"]) | anything,
        "group": st.just("all") | anything,
        "token": anything,
        "events": st.lists(st.tuples(anything, st.just("image") | anything, st.just(TEXT) | anything))
        | anything,
    },
)


@search(300, a_second=300)
@given(anything | almost_genuine)
def test_any_message_is_read_or_ignored(message: object) -> None:
    if probe_token(message) is not None:
        return
    try:
        group, events = received_events(message)
    except ForeignMessageError:
        return
    assert isinstance(group, str)
    for event in events:
        assert isinstance(json.loads(event.text), dict)


@pytest.mark.parametrize("message", wrong_messages(), ids=repr)
def test_a_wrong_message_is_recognised(message: object) -> None:
    if probe_token(message) is None:
        with pytest.raises(ForeignMessageError):
            received_events(message)


async def test_connections_share_one_channel_of_the_layer(redis: Redis) -> None:
    def channels() -> int:
        with redis_client.Redis.from_url(redis.url) as client:
            return len(client.pubsub_channels("*specific*"))

    with live_site(redis.url) as site:
        async with site.connect() as first:
            await frame_of(first)
            alone = channels()
            async with site.connect() as second, site.connect() as third:
                await frame_of(second)
                await frame_of(third)
                assert channels() == alone
