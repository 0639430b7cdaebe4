"""The base images that the stack's files name, built from Debian's packages (bases/Dockerfile)."""

import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.support.docker.engine import Engine
from tests.support.stack.compose import COMPOSE_FILE, ROOT

_FILES = Path(__file__).parent / "bases"
_STAGES = ("debian", "python", "node", "busybox", "nginx", "postgres", "redis")
_RELEASES = ("bookworm", "trixie")
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# As npm names them.
_PROCESSOR = {"x86_64": "x64", "aarch64": "arm64"}


def build_bases(engine: Engine, report: Callable[[str], None]) -> None:
    """Build all base images. Takes five minutes with an empty cache, and seconds otherwise."""
    for release in _RELEASES:
        if not engine.run("images", "--quiet", f"local/{release}:root"):
            report(f"Installing Debian {release} for the base images (a minute) ...")
            _import_root(engine, release)
    context = engine.cache / "bases"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(_FILES, context)
    shutil.copy(_CERTIFICATES, context)
    _fetch_node(engine.cache, context)
    report("Building the base images (minutes the first time) ...")
    for tag in base_tags():
        stage = tag.partition(":")[0]
        engine.run("build", "--quiet", "--target", stage, "--tag", tag, str(context), seconds=1200)


def base_tags() -> list[str]:
    """The base images of the Dockerfiles and of docker-compose.yml, for example `redis:7.4.9-alpine`."""
    named = [
        entry["image"]
        for entry in yaml.safe_load(COMPOSE_FILE.read_text())["services"].values()
        if "image" in entry
    ]
    for file in ROOT.glob("*/Dockerfile"):
        named += re.findall(r"^FROM (\S+)", file.read_text(), re.MULTILINE)
    return sorted({tag for tag in named if tag.partition(":")[0] in _STAGES})


def _import_root(engine: Engine, release: str) -> None:
    root = engine.cache / release
    shutil.rmtree(root, ignore_errors=True)
    mirror = _output(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages", "Label: Debian"
    )
    _output("debootstrap", "--variant=minbase", release, str(root), mirror.split()[0])
    with subprocess.Popen(
        ["tar", "-C", str(root), "--one-file-system", "-c", "."], stdout=subprocess.PIPE
    ) as tar:
        imported = subprocess.run(
            ["docker", "import", "-", f"local/{release}:root"],
            env=engine.environment,
            stdin=tar.stdout,
            capture_output=True,
            text=True,
            check=False,
        )
    assert imported.returncode == 0, imported.stderr
    shutil.rmtree(root)


def _fetch_node(cache: Path, context: Path) -> None:
    """Node and npm as npm packages, kept in the cache."""
    packages = {"node.tgz": f"node-linux-{_PROCESSOR[platform.machine()]}@24", "npm.tgz": "npm@11"}
    for name, package in packages.items():
        kept = cache / name
        if not kept.exists():
            found = _output("npm", "pack", "--silent", "--pack-destination", str(cache), package).split()[-1]
            (cache / found).rename(kept)
        shutil.copy(kept, context)


def _output(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{' '.join(command)}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
    return ran.stdout
