"""The files of deploy/: the program that reads each understands it, where it is installed, and it says what it must."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import apsw
import pytest
import yaml  # which schemathesis brings

from server_double import Double, running

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"


def text_of(name: str) -> str:
    return (DEPLOY / name).read_text(encoding="utf-8")


def checked_by(program: str, *arguments: object) -> None:
    """Let a program judge a file; skips where it is not installed."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} here")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ignoring" not in done.stderr, "systemd passes over what it does not know"


# systemd


@pytest.fixture
def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their capitals
    parser.read_string(text_of("gatecast.service"))
    return parser


def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    program = shlex.split(re.findall(r"^ExecStart=(.*)$", text_of("gatecast.service"), re.MULTILINE)[0])[0]
    (tmp_path / "gatecast.service").write_text(text_of("gatecast.service").replace(program, sys.executable))
    checked_by("systemd-analyze", "verify", "--man=no", tmp_path / "gatecast.service")


def test_the_unit_serves_with_keys_from_a_folder_of_its_own_and_starts_again_after_a_failure(
    unit: ConfigParser,
) -> None:
    service = unit["Service"]
    words = shlex.split(service["ExecStart"])
    assert words[1] == "serve"
    assert words[words.index("--data") + 1] == "${STATE_DIRECTORY}"
    credential = service["LoadCredential"].split(":")[0]
    assert words[words.index("--keys") + 1] == f"${{CREDENTIALS_DIRECTORY}}/{credential}"
    said = {"StateDirectory": "gatecast", "Restart": "on-failure", "KillMode": "mixed", "TimeoutStopSec": "90s"}
    assert said.items() <= dict(service).items()
    assert service["MemoryMax"]


HARDENED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectHome": "yes",
    "ProtectSystem": "strict",
    "CapabilityBoundingSet": "",
    "IPAddressDeny": "any",
}


def test_the_unit_gives_the_service_nothing_that_it_does_not_need(unit: ConfigParser) -> None:
    assert HARDENED.items() <= dict(unit["Service"]).items()
    if shutil.which("systemd-analyze") is not None:
        command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", DEPLOY / "gatecast.service"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"exposure of more than 2.0 of 10:\n{done.stdout[-300:]}"


# Container


def instructions() -> Iterator[tuple[str, str]]:
    """Each instruction of the Containerfile with what follows it."""
    lines = re.sub(r"(?m)^#.*\n", "", text_of("Containerfile")).replace("\\\n", " ")
    for line in filter(str.strip, lines.splitlines()):
        name, _, rest = line.partition(" ")
        yield name, rest.strip()


def last_stage() -> dict[str, str]:
    """The instructions that the image itself is made by."""
    stage: dict[str, str] = {}
    for name, rest in instructions():
        stage = {name: rest} if name == "FROM" else stage | {name: rest}
    return stage


def test_the_container_runs_as_nobody_and_keeps_its_data_outside() -> None:
    stage = last_stage()
    assert stage["FROM"] == "docker.io/library/python:3.11-slim"
    assert int(stage["USER"].split(":")[0]) > 0
    assert stage["VOLUME"] == "/data"
    command = [*json.loads(stage["ENTRYPOINT"]), *json.loads(stage["CMD"])]
    assert command[:2] == ["/opt/gatecast/bin/gatecast", "serve"]
    assert command[command.index("--data") + 1] == stage["VOLUME"]
    assert "--keys" in command, "it listens to other machines, and the server wants keys for that"


def test_the_container_is_built_from_files_that_are_there_and_all_that_the_build_reads() -> None:
    copied = [word for name, rest in instructions() if name == "COPY" for word in rest.split()[:-1] if "--" not in rest]
    assert all((ROOT / word).exists() for word in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert {project["project"]["readme"], *project["project"]["license-files"], "hatch_build.py"} <= set(copied)


@pytest.mark.parametrize(("trouble", "code"), [("fine", 0), ("503", 1), ("cut", 1)])
def test_the_health_check_tells_a_live_server_from_a_dead_one(trouble: str, code: int) -> None:
    check = last_stage()["HEALTHCHECK"]
    _, flag, script = json.loads(check[check.index("[") :])
    with running(Double()) as double:
        double.troubles.append(trouble)
        there = script.replace("http://127.0.0.1:8080", double.url)
        done = subprocess.run([sys.executable, flag, there], capture_output=True, check=False, timeout=30)
        assert double.asked[0].path == "/v2/health/live"
    assert done.returncode == code


# Proxies


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_the_braces_of_a_proxys_file_match(name: str) -> None:
    depth = 0
    for letter in re.sub(r"#.*", "", text_of(name)):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        assert depth >= 0
    assert depth == 0


def test_every_line_of_the_nginx_file_is_a_block_or_ends_with_a_semicolon() -> None:
    lines = [re.sub(r"\s*#.*", "", line).strip() for line in text_of("nginx.conf").splitlines()]
    assert [line for line in lines if line and line[-1] not in "{};"] == []


def test_caddy_understands_its_file() -> None:
    checked_by("caddy", "validate", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile")


def test_nginx_understands_its_file(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make a certificate")
    pair = ("-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=a", *pair]
    subprocess.run(command, capture_output=True, check=True)
    site = re.sub(r"/etc/ssl/certs/\S+\.pem", str(tmp_path / "cert.pem"), text_of("nginx.conf"))
    site = re.sub(r"/etc/ssl/private/\S+\.key", str(tmp_path / "key.pem"), site)
    site = site.replace("listen 80;", "listen 18080;").replace("listen 443", "listen 18443")
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    http = f"access_log off; client_body_temp_path {tmp_path}/body; {paths} {site}"
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {http} }}"
    (tmp_path / "nginx.conf").write_text(whole)
    checked_by("nginx", "-t", "-c", tmp_path / "nginx.conf")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("nginx.conf", ["proxy_buffering off;", "client_max_body_size 8m;", "proxy_set_header Host $host;"]),
        ("Caddyfile", ["flush_interval -1", "max_size 8MiB"]),
    ],
)
def test_a_proxy_passes_events_on_at_once_and_bodies_as_large_as_the_server_takes(name: str, lines: list[str]) -> None:
    said = [line.strip() for line in re.sub(r"\s*#.*", "", text_of(name)).splitlines()]
    assert set(lines) <= set(said)


# Prometheus


def read_yaml(name: str) -> Any:
    return yaml.safe_load(text_of(name))


def test_prometheus_asks_with_a_key_and_reads_the_rules() -> None:
    told = read_yaml("prometheus.yml")
    assert told["rule_files"] == ["alerts.yml"]
    job = told["scrape_configs"][0]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:8080"]}]
    assert job["authorization"].keys() == {"credentials_file"}, "the key itself stands in no configuration"
    checked_by("promtool", "check", "config", "--syntax-only", DEPLOY / "prometheus.yml")


def test_every_alert_says_what_to_do() -> None:
    rules = read_yaml("alerts.yml")["groups"][0]["rules"]
    assert len(rules) == 3
    for rule in rules:
        assert {"alert", "expr", "for", "labels", "annotations"} <= rule.keys()
        assert rule["annotations"].keys() == {"summary", "action"}
    checked_by("promtool", "check", "rules", DEPLOY / "alerts.yml")


# Backup


def backup(data: Path, copy: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("sqlite3") is None:
        pytest.skip("there is no sqlite3 here")
    command = [DEPLOY / "backup.sh", data, copy]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[apsw.Connection]:
    """A log as a running server keeps it: opened, and with rows that are in the write-ahead file alone."""
    (tmp_path / "data").mkdir()
    connection = apsw.Connection(str(tmp_path / "data" / "observations.db"))
    setting = "PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE observations (y REAL)"
    connection.execute(setting).fetchall()
    connection.executemany("INSERT INTO observations VALUES (?)", [(float(row),) for row in range(1000)])
    yield connection
    connection.close()


def test_a_backup_of_a_running_server_holds_every_row_and_is_a_log_itself(log: apsw.Connection, tmp_path: Path) -> None:
    log.execute("BEGIN IMMEDIATE; INSERT INTO observations VALUES (-1)")  # not yet committed
    done = backup(tmp_path / "data", tmp_path / "it's a copy.db")
    assert done.returncode == 0, done.stderr
    copy = apsw.Connection(str(tmp_path / "it's a copy.db"), flags=apsw.SQLITE_OPEN_READONLY)
    assert list(copy.execute("SELECT count(*), sum(y) FROM observations")) == [(1000, 499_500.0)]
    copy.close()
    log.execute("COMMIT")
    assert list(log.execute("SELECT count(*) FROM observations")) == [(1001,)], "the server goes on"


def test_a_backup_replaces_no_file_and_says_so(log: apsw.Connection, tmp_path: Path) -> None:
    assert log.filename
    (tmp_path / "copy.db").write_text("older")
    done = backup(tmp_path / "data", tmp_path / "copy.db")
    assert done.returncode == 1
    assert "there is a file" in done.stderr
    assert (tmp_path / "copy.db").read_text() == "older"


def test_a_backup_of_a_folder_without_a_log_fails_and_makes_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert backup(tmp_path / "empty", tmp_path / "copy.db").returncode != 0
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (tmp_path / "copy.db").exists()
