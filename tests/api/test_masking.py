# SPDX-License-Identifier: Apache-2.0
"""Credentials among settings are used and not shown."""

import httpx
import pytest

from api.masking import MASK, check_unmasked, shown
from relocate.errors import InvalidRequest
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.store.database import Database
from tests.api.conftest import APPLICATION

SECRET = "0123456789abcdef"  # noqa: S105 - nobody's
AGENT = {"name": "mec-c", "driver": "process", "settings": {"url": "http://127.0.0.1:9", "token": SECRET}}


async def test_a_credential_is_kept_and_not_shown(client: httpx.AsyncClient, catalogue: Database) -> None:
    """Neither in the answer that takes it, nor to whoever reads one or all."""
    put = await client.put("/v1/clusters/mec-c", json=AGENT)
    one, every = await client.get("/v1/clusters/mec-c"), await client.get("/v1/clusters")
    for answer in (put, one, every):
        assert answer.is_success, answer.text
        assert SECRET not in answer.text
    assert one.json()["settings"] == {"url": "http://127.0.0.1:9", "token": MASK}
    assert catalogue.catalogue.get(Cluster, "mec-c").settings["token"] == SECRET


async def test_what_was_read_is_not_written_back_over_it(client: httpx.AsyncClient) -> None:
    """The field is named."""
    await client.put("/v1/clusters/mec-c", json=AGENT)
    read = (await client.get("/v1/clusters/mec-c")).json()
    answer = await client.put("/v1/clusters/mec-c", json=read)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "settings.token")


@pytest.mark.parametrize(
    "name", ["token", "password", "db_password", "client-secret", "api_key", "Authorization", "DB_PASSWORD"]
)
def test_fields_that_are_named_like_credentials_are_masked(name: str) -> None:
    """Wherever they stand."""
    entry = Cluster(name="mec-c", driver="memory", settings={"deep": [{name: "x"}]})
    assert shown(entry).settings == {"deep": [{name: MASK}]}
    assert entry.settings == {"deep": [{name: "x"}]}


@pytest.mark.parametrize(
    "said", [{"token_file": "/etc/token"}, {"token": ""}, {"keys": "x"}, {"secretName": "x"}, {"token": True}]
)
def test_what_is_none_is_shown(said: dict[str, object]) -> None:
    """Names of files and Secrets, and what is no text."""
    assert shown(Cluster(name="mec-c", driver="memory", settings=said)).settings == said


def test_probes_and_workloads_of_applications_are_masked() -> None:
    """Their headers and environments, say; the rest is as it was."""
    probe = {"kind": "http", "port": "http", "settings": {"headers": {"authorization": "Bearer x", "accept": "a/b"}}}
    said = {**APPLICATION, "readiness": {"probes": [probe]}, "workloads": {"memory": {"environment": {"API_KEY": "x"}}}}
    entry = Application.model_validate(said)
    seen = shown(entry)
    assert seen.readiness.probes[0].settings == {"headers": {"authorization": MASK, "accept": "a/b"}}
    assert seen.workloads == {"memory": {"environment": {"API_KEY": MASK}}}
    assert seen.routes == entry.routes
    with pytest.raises(InvalidRequest, match=r"workloads\.memory\.environment\.API_KEY: \*{8} is shown"):
        check_unmasked(seen)
