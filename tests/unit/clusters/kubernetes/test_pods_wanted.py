# SPDX-License-Identifier: Apache-2.0
"""What the pods of a workload ask for, and whether a quota or a node has it."""

from decimal import Decimal

from relocate.clusters.kubernetes.pods_wanted import lacking, wanted_of


def _deployment(*containers, replicas=2, **spec):
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "echo", "namespace": "apps"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": list(containers), **spec}}},
    }


def _container(**resources):
    return {"name": "it", "resources": resources}


def _quota(hard, **used):
    return {"metadata": {"name": "small"}, "status": {"hard": hard, "used": used}}


def test_containers_are_added_up():
    """Sidecars count as much as the program itself."""
    both = _container(requests={"cpu": "250m"}), _container(requests={"cpu": "1", "memory": "64Mi"})
    wanted = wanted_of(_deployment(*both))
    assert wanted.each == {"requests.cpu": Decimal("1.25"), "requests.memory": Decimal(64 * 1024**2)}


def test_the_largest_init_container_counts_where_it_is_more():
    """They run one after the other, before the rest; one that restarts always runs along."""
    first, sidecar = _container(requests={"cpu": "2"}), _container(requests={"cpu": "1"}) | {"restartPolicy": "Always"}
    program = _container(requests={"cpu": "500m"})
    assert wanted_of(_deployment(program, initContainers=[first])).each["requests.cpu"] == 2
    assert wanted_of(_deployment(program, initContainers=[sidecar])).each["requests.cpu"] == Decimal("1.5")


def test_a_limit_without_a_request_is_the_request():
    """As the API server fills it in."""
    assert wanted_of(_deployment(_container(limits={"cpu": "1"}))).each == {"limits.cpu": 1, "requests.cpu": 1}


def test_a_quota_that_has_enough_lacks_nothing():
    """To the last drop."""
    pods = [wanted_of(_deployment(_container(requests={"cpu": "500m"})))]
    assert list(lacking(_quota({"cpu": "2", "pods": "4"}, cpu="1", pods="2"), pods)) == []


def test_a_quota_that_has_too_little_says_of_what():
    """What is left, and what is asked for; `cpu` is short for `requests.cpu`."""
    pods = [wanted_of(_deployment(_container(requests={"cpu": "500m"})))]
    assert list(lacking(_quota({"cpu": "2", "pods": "1"}, cpu="1.5"), pods)) == [
        "quota small leaves 0.5 of cpu; the pods ask for 1",
        "quota small leaves 1 of pods; the pods ask for 2",
    ]


def test_a_quota_with_scopes_is_left_to_the_api_server():
    """Which pods it is about is not guessed."""
    quota = _quota({"pods": "0"}) | {"spec": {"scopes": ["BestEffort"]}}
    assert list(lacking(quota, [wanted_of(_deployment())])) == []


def test_a_pod_that_asks_for_nothing_fits_anywhere():
    """Also on a node that says nothing."""
    assert wanted_of(_deployment(_container())).fits({})


def test_a_pod_fits_where_each_resource_is_there():
    """One that is short is enough to say no."""
    wanted = wanted_of(_deployment(_container(requests={"cpu": "1", "memory": "1Gi"})))
    assert wanted.fits({"cpu": "2", "memory": "2Gi"})
    assert not wanted.fits({"cpu": "2", "memory": "512Mi"})


def test_objects_without_pods_ask_for_none():
    """A Service takes no room."""
    assert wanted_of({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "echo", "namespace": "apps"}}) is None
