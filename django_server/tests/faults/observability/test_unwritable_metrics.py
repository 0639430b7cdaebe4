"""A site whose metric files can't be written: uploads, tasks and sweeps work, and each process logs it once."""

import os
import signal
from pathlib import Path

from serve.readiness import returns_200
from tests.support.images.pictures import jpeg
from tests.support.processes.process_tree import descendants, eventually
from tests.support.sites.running_site import RunningSite, running_site, wait_until_final

_WARNING = "Metrics can't be written"


_PROCESSES = (("uvicorn",), ("celery", " worker "), ("sweep",))


def _has_metric_files(site: RunningSite, words: tuple[str, ...]) -> bool:
    started = site.process.child(*words)
    return any(
        list((site.data_dir / "metrics").glob(f"*_{pid}.*")) for pid in {started, *descendants(started)}
    )


def _take_metrics_away(site: RunningSite) -> None:
    """Replace the folder by a file, and let the processes start again."""
    # Without metric files, these would log the failure before they are killed. uvicorn counts nothing at its start.
    for words in _PROCESSES[1:]:
        assert eventually(lambda words=words: _has_metric_files(site, words), 60)  # type: ignore[misc]
    metrics = site.data_dir / "metrics"
    metrics.rename(site.data_dir / "metrics-before")
    metrics.write_text("")
    for words in _PROCESSES:
        killed = site.process.child(*words)
        os.kill(killed, signal.SIGKILL)
        assert eventually(lambda words=words, killed=killed: site.process.has_another(killed, *words))  # type: ignore[misc]


def test_without_metric_files_uploads_tasks_and_sweeps_succeed_and_each_process_logs_it_once(
    tmp_path: Path,
) -> None:
    with running_site(tmp_path, {"SWEEP_SECONDS": "1", "WORKER_PROCESSES": "1"}) as site:
        _take_metrics_away(site)
        with site.client() as client:
            assert eventually(lambda: returns_200("127.0.0.1", int(site.environment["PORT"]), "/readyz"), 60)
            for _ in range(3):
                assert client.post("/api/upload", files={"image": jpeg()}).status_code == 200
            files = [("images", (f"{number}.jpg", jpeg())) for number in range(6)]
            assert client.post("/api/async/batch/upload", files=files).status_code == 202
            assert client.post("/api/async/upload", files=files).status_code == 202
            assert (
                client.post("/api/async/upload", files=[("images", ("a.jpg", b"no image"))]).status_code
                == 400
            )
            images = wait_until_final(client)
            assert [image["status"] for image in images] == ["completed"] * 15
            assert client.get("/metrics").status_code == 200
        logs = {
            name: (tmp_path / "logs" / f"{name}.log").read_text() for name in ("web", "worker", "sweeper")
        }
        assert {name: log.count(_WARNING) for name, log in logs.items()} == {
            "web": 1,
            "worker": 1,
            "sweeper": 1,
        }
        assert not any("Traceback" in log for log in logs.values())
