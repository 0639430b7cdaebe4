"""Properties of the compose files that need no running stack."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from images.error_codes import ERRORS
from tests.support.stack.compose import COMPOSE_FILE, ROOT, filled_in

_VARIANTS: tuple[list[str], ...] = ([], ["compose.dev.yml"], ["compose.tls.yml"])
_ONE_SHOTS = {"secrets", "migrate", "svelte_app"}
# A server of others' in a profile: what its image does as which user could not be tried.
_FOREIGN = {"s3"}


def entries() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    return found


@pytest.mark.parametrize("overrides", _VARIANTS, ids=lambda files: " ".join(files) or "alone")
def test_compose_itself_takes_the_files(overrides: list[str], tmp_path: Path) -> None:
    files = [part for name in ("docker-compose.yml", *overrides) for part in ("-f", str(ROOT / name))]
    # Variables of a developer's .env must not have an effect.
    command = ["docker-compose", "--project-directory", str(tmp_path), *files, "config", "--quiet"]
    checked = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]}
    )
    assert checked.returncode == 0, checked.stderr


def test_the_one_published_port_is_on_loopback() -> None:
    published = {name: entry["ports"] for name, entry in entries().items() if "ports" in entry}
    assert filled_in(published, {}) == {"nginx": ["127.0.0.1:8000:8080"]}


def test_no_password_stands_in_the_file() -> None:
    given = yaml.safe_dump(filled_in(entries(), {}))
    assert not re.search(
        r"(?i)(password|secret_key|token): *['\"]?[^'\"\s]", given.replace("_FILE: /secrets", "")
    )


@pytest.mark.parametrize("name", sorted(set(entries()) - _FOREIGN))
def test_every_service_is_confined_bounded_and_looked_after(name: str) -> None:
    entry = entries()[name]
    assert entry["read_only"] is True
    assert entry["cap_drop"] == ["ALL"]
    assert entry["security_opt"] == ["no-new-privileges:true"]
    assert entry["pids_limit"] == 1024
    assert entry.get("memswap_limit") == entry.get("mem_limit")
    assert all(":size=" in mount for mount in entry.get("tmpfs", []))
    if name in _ONE_SHOTS:
        assert entry["restart"] == "no"
    else:
        assert entry["restart"] == "unless-stopped"
        assert entry["mem_limit"]
        assert "healthcheck" in entry or name in ("sweeper", "beat")


def test_every_image_has_a_version() -> None:
    named = [entry["image"] for entry in entries().values() if "build" not in entry]
    built = [entry["build"]["dockerfile"] for entry in entries().values() if "build" in entry]
    for file in set(built):
        stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?", (ROOT / file).read_text(), re.MULTILINE)
        own = {stage for _, stage in stages}
        named += [image for image, _ in stages if image not in own]
        assert re.search(r"^USER \d+", (ROOT / file).read_text(), re.MULTILINE), f"{file} runs as root"
    assert [image for image in named if not re.search(r":\d+\.\d+", image)] == []


def test_no_image_that_is_built_has_a_fixed_name() -> None:
    """Two services, or two checkouts on one engine, would replace each other's image."""
    assert [name for name, entry in entries().items() if "build" in entry and "image" in entry] == []


@pytest.mark.parametrize("name", sorted(name for name, entry in entries().items() if "build" in entry))
def test_a_folder_in_memory_exists_in_the_image_and_is_writable_for_all(name: str) -> None:
    """Old versions of runc give a tmpfs the mode of the folder below it, from the second start of a container."""
    entry = entries()[name]
    folders = [mount.partition(":")[0] for mount in entry.get("tmpfs", [])]
    text = (ROOT / entry["build"]["dockerfile"]).read_text()
    created = re.findall(r"mkdir (?:-m|--mode) 1777 (\S+)", text)
    assert {*folders} - {"/tmp"} == {*created} & {*folders}  # noqa: S108  of the container


def test_nginx_refuses_in_the_words_of_the_app() -> None:
    said = (ROOT / "nginx" / "site" / "errors.conf").read_text()
    for sentence, code in re.findall(r'{"error":"([^"]+)","code":"([^"]+)"}', said):
        assert sentence == ERRORS[code].sentence


def test_nginx_and_the_server_have_one_limit() -> None:
    environment = filled_in({name: entry.get("environment") for name, entry in entries().items()}, {})
    assert environment["nginx"]["MAX_BODY_BYTES"] == environment["web"]["MAX_BODY_BYTES"] == str(2 * 2**30)


def test_everything_in_the_example_is_a_variable_of_the_stack() -> None:
    offered = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    used = set(re.findall(r"\$\{(\w+)", COMPOSE_FILE.read_text()))
    assert offered - used == set()


def test_the_image_installs_its_packages_as_make_does() -> None:
    """The image has no compiler either. So each run of `make` shows that its packages can be installed."""
    dockerfile = (ROOT / "django_server/Dockerfile").read_text().replace("\\\n", " ")
    lines = {
        file: " ".join(line.split())
        for line, file in re.findall(r"pip install ([^&]+) -r /(\S+)", dockerfile)
    }
    make = (ROOT / "scripts/environment.sh").read_text()
    options = {
        "requirements-build.txt": "--require-hashes --only-binary :all:",
        "requirements.txt": "--no-binary pyvips --no-build-isolation",
    }
    assert lines.keys() == options.keys()
    assert all(options["requirements-build.txt"] in line for line in lines.values())
    assert options["requirements.txt"] in lines["requirements.txt"]
    assert all(text in make for text in options.values())
