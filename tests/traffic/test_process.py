# SPDX-License-Identifier: Apache-2.0
"""The traffic process as the demonstration uses it."""

import json
import subprocess
import sys
import time
from pathlib import Path

from relocate.demo.traffic.plan import Protocol
from relocate.demo.traffic.record import Outcome, read_recording
from tests.traffic.conftest import Scene, TrafficProcess
from tests.traffic.gateway import wait_until


def test_undisturbed_traffic_is_all_right(traffic: TrafficProcess) -> None:
    """In every protocol, through both gateways, over the end of streams' lives, nothing is lost, wrong or cut."""
    time.sleep(7)
    recording = traffic.finish()
    assert {record.outcome for record in recording.records} == {Outcome.RIGHT}
    ways = {
        (recording.timetables[record.timetable].protocol, recording.timetables[record.timetable].gateway)
        for record in recording.records
    }
    assert ways == {(protocol, gateway) for protocol in Protocol for gateway in ("edge-1", "edge-2")}
    assert [event.event for event in recording.events] == ["end"]
    assert {(record.instance, record.cluster) for record in recording.records} == {("navigator-1", "mec-a")}


def test_a_ue_moves_by_a_line_on_standard_input(traffic: TrafficProcess) -> None:
    """The move is recorded; a line that makes no sense changes nothing and is complained about."""
    traffic.tell('{"ue": "nobody", "cell": "cell-b"}')
    traffic.tell('{"ue": "ue-1", "cell": "cell-b"}')
    time.sleep(0.3)
    moves = [event.text for event in traffic.finish().events if event.event == "cell"]
    assert [json.loads(move) for move in moves] == [{"ue": "ue-1", "cell": "cell-b"}]
    assert "ue: must be one of ue-1" in traffic.close()


def test_it_ends_with_its_parent(traffic: TrafficProcess) -> None:
    """When standard input ends, it stops as if it had been asked to."""
    assert traffic.process.stdin is not None
    traffic.process.stdin.close()
    assert traffic.process.wait(15) == 0
    traffic.process.stdin = None
    assert read_recording(traffic.records_file).events[-1].event == "end"


def test_a_killed_one_leaves_a_readable_recording(traffic: TrafficProcess) -> None:
    """SIGKILL loses at most the last second of records; what is there can be read, and there is no end."""
    traffic.process.kill()
    traffic.process.wait(15)
    recording = read_recording(traffic.records_file)
    assert len(recording.records) > 50
    assert all(event.event != "end" for event in recording.events)


def test_a_configuration_that_makes_no_sense_is_refused(scene: Scene, tmp_path: Path) -> None:
    """Exit code 2, and the field is named."""
    refused = TrafficProcess(tmp_path, scene.gateways, flows=[{"protocol": "http1", "rate": -1}])
    assert refused.process.wait(15) == 2
    assert "flows.0.rate" in refused.close()


def test_a_standard_input_that_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    """From the null device nobody could move a UE: exit code 2, and what is allowed."""
    gateway = {"name": "edge-1", "port": 1, "server_name": "navigator.edge.test"}
    config = tmp_path / "traffic.json"
    config.write_text(json.dumps({"gateways": [gateway], "records_file": str(tmp_path / "records.jsonl")}))
    command = [sys.executable, "-m", "relocate.demo.traffic", "--config", str(config)]
    refused = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=15, check=False)
    assert refused.returncode == 2
    assert b"standard input must be a pipe or a terminal" in refused.stderr


def test_sums_are_written_each_second(traffic: TrafficProcess) -> None:
    """Each line adds up, and the last one's total is what was recorded."""
    wait_until(lambda: len(traffic.seconds_file.read_text().splitlines()) > 2, "the third second")
    recorded = len(traffic.finish().records)
    lines = [json.loads(line) for line in traffic.seconds_file.read_text().splitlines()]
    assert lines[-1]["total"]["sent"] == recorded == sum(line["sent"] for line in lines)
    assert all(line["sent"] == line["right"] + line["lost"] + line["wrong"] for line in lines)
