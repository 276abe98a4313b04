# SPDX-License-Identifier: Apache-2.0
import json
import socket

from relocate.model.cluster import Gateway
from relocate.model.relocation import Status


def test_all_is_well(relocate, health):
    """A service that works gets a line for each part, and 0."""
    result = relocate("doctor", "--health", health)
    assert result.exit_code == 0, result.stdout
    parts = [line.split()[1] for line in result.stdout.splitlines()]
    assert parts == [
        "server", "version", "database", "temporal", "gateways", "clusters", "applications", "relocations",
    ]  # fmt: skip
    assert all(line.startswith("ok ") for line in result.stdout.splitlines())


def test_temporal_away_is_found(relocate, health, dispatch):
    """What cannot be reached is told with what to do."""
    dispatch.down = True
    result = relocate("doctor", "--health", health)
    assert result.exit_code == 1
    line = next(line for line in result.stdout.splitlines() if "temporal" in line)
    assert line.startswith("not ok  temporal")
    assert "Temporal cannot be reached. Check TEMPORAL_ADDRESS of the server" in line


def test_broken_database_is_found(relocate, health, database):
    """A database without its tables is told, and the parts that need it as well."""
    with database.engine.begin() as connection:
        connection.exec_driver_sql("drop table relocations")
    result = relocate("doctor", "--health", health)
    assert result.exit_code == 1
    assert any(line.startswith("not ok  database") for line in result.stdout.splitlines())


def test_missing_health_listener_is_told(relocate):
    """Without the second listener the rest is still looked at."""
    result = relocate("doctor", "--health", "http://127.0.0.1:1")
    assert result.exit_code == 1
    assert "http://127.0.0.1:1 tells nothing." in result.stdout
    assert "relocations" in result.stdout


def test_waiting_relocations_are_told(relocate, health, database):
    """A relocation that needs an operator is not all right."""
    relocate("start", "assist", "--target", "mec-b")
    database.relocations.change("r-1", lambda view: view.model_copy(update={"status": Status.NEEDS_OPERATOR}))
    result = relocate("doctor", "--health", health, "-o", "json")
    assert result.exit_code == 1
    assert [found for found in json.loads(result.stdout) if not found["good"]] == [
        {"what": "relocations", "good": False, "sentence": "r-1 needs an operator.", "remedy": "See `relocate why ID`."}
    ]


def test_no_server_exits_with_4(relocate):
    """Without a server there is nothing else to look at."""
    result = relocate("doctor", "--server", "http://127.0.0.1:1")
    assert result.exit_code == 4
    assert result.stdout.startswith("not ok  server")


def test_closed_gateway_instance_is_found(relocate, health, database):
    """Instances of a gateway that carries a placed application are knocked at, and only those."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        addresses = {"edge-1": door.getsockname()[1], "edge-2": 1}
        instances = [{"id": name, "address": {"host": "127.0.0.1", "port": port}} for name, port in addresses.items()]
        database.catalogue.put(Gateway(name="gw", adapter="memory", settings={"instances": instances}))
        before = relocate("doctor", "--health", health)
        relocate("place", "assist", "mec-a")
        after = relocate("doctor", "--health", health)
    assert before.exit_code == 0
    assert after.exit_code == 1
    told = [" ".join(line.split()) for line in after.stdout.splitlines() if "instance" in line]
    assert told[0] == f"ok instance gw edge-1 at 127.0.0.1:{addresses['edge-1']} takes connections"
    assert told[1].startswith("not ok instance gw edge-2 at 127.0.0.1:1 takes no connection: Connection refused.")
