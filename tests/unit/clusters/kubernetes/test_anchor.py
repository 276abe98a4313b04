# SPDX-License-Identifier: Apache-2.0
"""What an anchor keeps, and what may become of it."""

from dataclasses import replace

import pytest

from relocate.clusters.kubernetes.anchor import Anchor, Contents, Made, Stage
from relocate.clusters.kubernetes.endpoints import Place
from relocate.clusters.kubernetes.objects import Reference, in_order
from relocate.clusters.kubernetes.ownership import label_of, labels_of, owned
from relocate.errors import InvalidWorkload
from steering.model import Fence

SERVICE = Reference("v1", "Service", "apps", "echo")
CONTENTS = Contents(inventory=(Made(SERVICE),), ports={"http": Place("echo", 80)}, capacity=3, digest="a")
ANCHOR = Anchor("apps", "echo", "echo-1", Fence(lease=1, sequence=2), Stage.DEPLOYED, CONTENTS)


def _stored(anchor):
    """As an API server gives it back."""
    body = anchor.body()
    return body | {"metadata": body["metadata"] | {"uid": "u1", "resourceVersion": "7"}}


def test_what_was_written_is_read_back():
    """Every part of it, with the identity that the cluster gave it."""
    read = Anchor.read(_stored(ANCHOR))
    assert (read.uid, read.resource_version) == ("u1", "7")
    assert (read.contents, read.fence, read.stage, read.instance) == (CONTENTS, ANCHOR.fence, Stage.DEPLOYED, "echo-1")


def test_selectors_of_an_instance_that_was_adopted_are_read_back():
    """None and nothing are not the same: an adopted instance may have no pods."""
    for pods in (("app=echo",), (), None):
        anchor = replace(ANCHOR, contents=replace(CONTENTS, pods=pods))
        assert Anchor.read(_stored(anchor)).contents.pods == pods


def test_what_is_there_stays_in_the_inventory():
    """Also when it is wanted no more: it has to be removed one day."""
    other = Made(Reference("v1", "ConfigMap", "apps", "old"), "u9")
    before = Anchor("apps", "echo", "echo-1", ANCHOR.fence, Stage.DEPLOYING, Contents((other,), digest="a"))
    assert set(before.together(CONTENTS).inventory) == {Made(SERVICE), other}


def test_another_workload_of_the_same_name_is_refused():
    """A name stands for one instance."""
    with pytest.raises(InvalidWorkload, match="echo-1 exists with other settings"):
        ANCHOR.together(Contents(digest="b"))


def test_a_tombstone_refuses_nobody():
    """What lay there has gone, and so has its inventory."""
    stone = Anchor("apps", "echo", "echo-1", ANCHOR.fence, Stage.REMOVED, CONTENTS)
    wanted = Contents(digest="b")
    assert stone.together(wanted) == wanted


def test_everything_of_an_instance_is_marked_and_owned():
    """The object, its pods, and whose they are; what was said before stays."""
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "echo", "namespace": "apps", "labels": {"app": "echo"}},
        "spec": {"template": {"metadata": {"labels": {"app": "echo"}}, "spec": {"containers": []}}},
    }
    made = owned(deployment, labels_of("echo", "echo-1"), _stored(ANCHOR))
    labels = {"app": "echo", "relocation.edge/application": "echo", "relocation.edge/instance": "echo-1"}
    assert made["metadata"]["labels"] == labels
    assert made["spec"]["template"]["metadata"]["labels"] == labels
    assert [one["uid"] for one in made["metadata"]["ownerReferences"]] == ["u1"]
    assert deployment["metadata"]["labels"] == {"app": "echo"}


def test_an_object_of_another_namespace_has_no_owner_here():
    """Kubernetes would collect it at once (kubernetes.io, "Owners and Dependents")."""
    role = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "elsewhere"}}
    assert "ownerReferences" not in owned(role, {}, _stored(ANCHOR))["metadata"]


def test_a_long_name_becomes_a_label_of_its_own():
    """Labels take 63 characters; two long names that begin alike stay apart."""
    one, other = (f"{'a' * 63}-{end}" for end in ("11111111", "22222222"))
    assert len(label_of(one)) == 63
    assert label_of(one) != label_of(other)
    assert label_of("echo-1") == "echo-1"


def test_what_others_need_is_made_first():
    """Kinds in order; those of one kind, and kinds that nobody knows, as they came."""
    kinds = ["HTTPRoute", "Gadget", "Deployment", "Service", "ConfigMap", "CustomResourceDefinition", "Namespace"]
    assert [one["kind"] for one in in_order([{"kind": kind} for kind in kinds])] == [
        "Namespace",
        "CustomResourceDefinition",
        "ConfigMap",
        "Service",
        "Gadget",
        "Deployment",
        "HTTPRoute",
    ]
