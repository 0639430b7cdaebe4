"""Values of environment variables: ranges, units, files, misspelt names. Each wrong value gives one sentence."""

import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command

from config.env_reader import byte_size, env, misspelt_names
from images import checks
from tests.support.sites.started_site import SERVER_ROOT

# Read by tests and by developers only.
_UNDOCUMENTED = {"QUERY_GUARD", "PROMETHEUS_MULTIPROC_DIR"}


def settings_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, Any]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    env.ENVIRON.files_cache.clear()
    return runpy.run_path(str(SERVER_ROOT / "config" / "settings.py"))


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "80000", "PORT must be a whole number from 1 to 65535, not '80000'."),
        ("PORT", "0", "PORT must be a whole number from 1 to 65535, not '0'."),
        ("PORT", "http", "PORT must be a whole number from 1 to 65535, not 'http'."),
        ("PORT", "8000.5", "PORT must be a whole number from 1 to 65535, not '8000.5'."),
        ("PORT", "", "PORT must be a whole number from 1 to 65535, not ''."),
        (
            "WORKER_PROCESSES",
            "-1",
            "WORKER_PROCESSES must be a whole number from 1 to 1000, not '-1'.",
        ),
        ("RENDER_SLOTS", "99999", "RENDER_SLOTS must be a whole number from 1 to 1000, not '99999'."),
        ("MAX_PIXELS", "100MP", "MAX_PIXELS must be a whole number of 1 or more, not '100MP'."),
        ("STATEMENT_SECONDS", "-3", "STATEMENT_SECONDS must be a whole number from 0 to 86400, not '-3'."),
        ("SWEEP_SECONDS", "0", "SWEEP_SECONDS must be a whole number from 1 to 86400, not '0'."),
        (
            "S3_URL_SECONDS",
            "9" * 18,
            f"S3_URL_SECONDS must be a whole number from 1 to 604800, not '{'9' * 18}'.",
        ),
        ("COLD_WAIT_SECONDS", "soon", "COLD_WAIT_SECONDS must be a number from 0 to 3600, not 'soon'."),
        ("COLD_WAIT_SECONDS", "nan", "COLD_WAIT_SECONDS must be a number from 0 to 3600, not 'nan'."),
        ("MAX_FILE_BYTES", "0", "MAX_FILE_BYTES must be a size of 1 byte or more, not '0'."),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be one of: line, json. It is 'xml'."),
        (
            "LOG_LEVEL",
            "LOUD",
            "LOG_LEVEL must be one of: DEBUG, INFO, WARNING, ERROR, CRITICAL. It is 'LOUD'.",
        ),
        (
            "REDIS_URL",
            "me:secret@host",
            "REDIS_URL must be a URL, as in redis://host:6379/0, not 'me:secret@host'.",
        ),
        (
            "DATABASE_URL",
            "http://me:secret@host/name",
            "DATABASE_URL must be a URL, as in postgres://user:password@host/name, not 'http://…@host/name'.",
        ),
        (
            "DATABASE_URL",
            "postgres://host:many/name",
            "DATABASE_URL must be a URL, as in postgres://user:password@host/name: its port is wrong.",
        ),
        (
            "PUBLIC_URL",
            "photos.example.org",
            "PUBLIC_URL must be a URL, as in https://photos.example.org, not 'photos.example.org'.",
        ),
        (
            "API_TOKEN_FILE",
            "/none",
            "API_TOKEN_FILE names /none, which can't be read: No such file or directory.",
        ),
        ("PORT_FILE", "/none", "PORT_FILE names /none, which can't be read: No such file or directory."),
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_variable(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        settings_with(monkeypatch, **{name: value})
    assert str(refused.value) == sentence


def test_values_at_the_ends_of_their_ranges_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_with(
        monkeypatch, PORT="65535", STATEMENT_SECONDS="0", COLD_WAIT_SECONDS="0", SWEEP_SECONDS=" 1 "
    )
    names = ("PORT", "STATEMENT_SECONDS", "COLD_WAIT_SECONDS", "SWEEP_SECONDS")
    assert [found[name] for name in names] == [65535, 0, 0, 1]


SIZES = {
    "52428800": 52_428_800,
    "50MB": 50_000_000,
    "50 MB": 50_000_000,
    "50mb": 50_000_000,
    "50MiB": 52_428_800,
    "1.5GiB": 1_610_612_736,
    "2GB": 2_000_000_000,
    "8GiB": 8_589_934_592,
    "700KB": 700_000,
    "512 KiB": 524_288,
    " 100B ": 100,
}
NOT_SIZES = ["50M", "2g", "fifty", "-1", "1e6", "50 Mbit", "MB", "1,5GB", ""]


@pytest.mark.parametrize(("value", "size"), SIZES.items())
def test_a_size_may_have_a_unit(value: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_FILE_BYTES", value)
    assert byte_size("MAX_FILE_BYTES", 1) == size


@pytest.mark.parametrize("value", NOT_SIZES)
def test_another_size_is_refused_with_the_units(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_FILE_BYTES", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        byte_size("MAX_FILE_BYTES", 1)
    assert str(refused.value) == (
        f"MAX_FILE_BYTES must be a size, as in 50MB, 50MiB or 52428800 (bytes), not {value!r}. "
        "The units are KB, MB, GB (powers of 1000) and KiB, MiB, GiB (powers of 1024)."
    )


def for_nginx(value: str) -> str:
    """What the entrypoint of the nginx image passes to the templates."""
    script = SERVER_ROOT.parent / "nginx" / "byte-sizes.envsh"
    return subprocess.run(
        ["sh", "-euc", '. "$0"; printf %s "$MAX_BODY_BYTES"', script],
        env={"PATH": "/usr/bin:/bin", "MAX_BODY_BYTES": value},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_nginx_gets_the_same_sizes_in_bytes() -> None:
    assert {value: for_nginx(value) for value in SIZES} == {value: str(size) for value, size in SIZES.items()}


def test_nginx_gets_other_values_unchanged_and_refuses_them_itself() -> None:
    assert [for_nginx(value) for value in NOT_SIZES] == NOT_SIZES


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("MAX_FILE_BYTE", "MAX_FILE_BYTES"),
        ("MAX_FILES_BYTES", "MAX_FILE_BYTES"),
        ("THUMBNAIL_SIZE", "THUMBNAIL_SIZES"),
        ("DATADIR", "DATA_DIR"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("data_dir", "DATA_DIR"),
        ("API_TOKENS", "API_TOKEN"),
        ("SECRET_KEY_FIL", "SECRET_KEY_FILE"),
    ],
)
def test_a_misspelt_name_is_reported_with_the_nearest_setting(name: str, nearest: str) -> None:
    assert misspelt_names([name], env.names) == [
        f"{name} is not a setting and has no effect. Did you mean {nearest}?"
    ]


def test_variables_of_other_programs_are_not_reported() -> None:
    strangers = [
        *(
            "HOME",
            "HOSTNAME",
            "HOSTS",
            "HOSTFILE",
            "PORTS",
            "PORT_RANGE",
            "PATH",
            "DEBUGGER",
            "USER",
            "LOGNAME",
        ),
        *(
            "DATABASE_USER",
            "DATABASE_NAME",
            "TEST_DATABASE_URL",
            "REDIS_HOST",
            "REDIS_PORT",
            "SECRET_KEY_BASE",
        ),
        *(
            "S3_ACCESS_KEY_ID",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "PUBLIC_HTML",
            "API_TOKEN_GITHUB",
        ),
        *("XDG_DATA_DIRS", "MEDIA_URL", "MAX_MEMORY", "CONN_TIMEOUT", "SESSION_SECONDS", "TEST_DATABASE"),
    ]
    assert misspelt_names(strangers, env.names) == []


def test_settings_and_their_files_are_not_reported() -> None:
    present = [*env.names, *(f"{name}_FILE" for name in env.names)]
    assert misspelt_names(present, env.names) == []


def test_a_misspelt_name_is_a_warning_of_the_system_checks_and_not_an_error(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.MISSPELT_SETTINGS = misspelt_names(["MAX_FILE_BYTE"], env.names)
    checks.refuse_unsound_settings()
    assert checks.warnings() == settings.MISSPELT_SETTINGS
    call_command("check")
    assert "Did you mean MAX_FILE_BYTES?" in capsys.readouterr().err


def test_every_setting_is_in_the_documentation_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    settings_with(monkeypatch)
    page = (SERVER_ROOT.parent / "docs" / "settings.md").read_text()
    first_columns = re.findall(r"^\| ((?:`[A-Z0-9_]+`(?:, )?)+) \|", page, re.MULTILINE)
    documented = {name for cell in first_columns for name in re.findall(r"`([A-Z0-9_]+)`", cell)}
    assert documented == env.names - _UNDOCUMENTED


def test_the_value_of_a_file_is_checked_as_the_value_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "port"
    file.write_text("8123\n")
    assert settings_with(monkeypatch, PORT_FILE=str(file))["PORT"] == 8123
