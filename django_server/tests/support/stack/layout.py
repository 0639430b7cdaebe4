"""The folders of the containers, with the files of their images."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.stack.compose import ROOT
from tests.support.stack.places import Places, rendered

_FOLDERS = (
    "data",
    "secrets",
    "srv/page",
    "spool",
    "run/site",
    "etc/nginx/tls",
    "etc/pgbouncer",
    "tmp",
    "logs",
)
_NGINX = ROOT / "nginx"


def lay_out(places: Places, nginx_environment: Mapping[str, str], pooler_address: str, account: str) -> None:
    """Everything below `places.folder`, readable for all; nginx, which runs as `account`, may write its spool."""
    places.folder.chmod(0o755)
    for inside in _FOLDERS:
        places.path(inside).mkdir(parents=True)
    places.path("tmp").chmod(0o1777)
    shutil.copytree(ROOT / "svelte_app" / "dist", places.path("page"))
    for file in [_NGINX / "nginx.conf", *(_NGINX / "site").glob("*.conf")]:
        _write(places.path("etc/nginx") / file.relative_to(_NGINX), places.text(file.read_text()))
    for file in (_NGINX / "templates").glob("*.template"):
        text = rendered(places.text(file.read_text()), nginx_environment)
        _write(places.path("run/site") / file.stem, text)
    pooler = (ROOT / "pgbouncer" / "pgbouncer.ini").read_text()
    _write(places.path("etc/pgbouncer") / "pgbouncer.ini", places.bound(pooler, pooler_address))
    tls = places.path("etc/nginx/tls")
    _write(tls / "https.conf", places.text((_NGINX / "tls" / "https.conf.example").read_text()))
    certify(tls, account)
    if account:
        shutil.chown(places.path("spool"), account)


def certify(folder: Path, owner: str | int = "") -> None:
    """The certificate and key of nginx/tls (docs/production.md) for 127.0.0.1. `owner` may read the key."""
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    key_file = folder / "key.pem"
    files = ["-keyout", str(key_file), "-out", str(folder / "certificate.pem")]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *key, *names, *files], check=True, capture_output=True)
    if owner:
        shutil.chown(key_file, owner)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
