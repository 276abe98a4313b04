# SPDX-License-Identifier: Apache-2.0
"""A cluster's certificates, as a verifier that is not ours sees them, and the kubeconfigs made of them."""

import base64
import stat
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from tests.testbed import kubeconfig
from tests.testbed.pki import Authority, Pair


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Of a cluster that is not there."""
    return Authority(tmp_path)


def certificate(pair: Pair) -> x509.Certificate:
    """The one in its file."""
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


def verifier(authority: Authority, name: x509.GeneralName):
    """Whoever connects to this name and trusts this authority."""
    store = Store([certificate(authority.pair)])
    return PolicyBuilder().store(store).time(datetime.now(UTC)).build_server_verifier(name)


@pytest.mark.parametrize("name", [x509.DNSName("kubernetes.default"), x509.IPAddress(ip_address("198.19.21.1"))])
def test_server_is_believed_under_each_of_its_names(authority: Authority, name: x509.GeneralName) -> None:
    """By name and by address."""
    pair = authority.issue("apiserver", "kube-apiserver", names=["kubernetes.default", "198.19.21.1"])
    assert len(verifier(authority, name).verify(certificate(pair), [])) == 2


def test_another_cluster_s_authority_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    """Two clusters do not trust each other."""
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other").issue("apiserver", "kube-apiserver", names=["kubernetes.default"])
    with pytest.raises(VerificationError):
        verifier(authority, x509.DNSName("kubernetes.default")).verify(certificate(stranger), [])


def test_user_has_name_and_groups(authority: Authority) -> None:
    """As the API server reads them."""
    subject = certificate(authority.issue("kubelet", "system:node:edge-a", ["system:nodes"])).subject
    assert [one.value for one in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["system:node:edge-a"]
    assert [one.value for one in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["system:nodes"]


def test_keys_are_their_owner_s(authority: Authority) -> None:
    """Nobody else reads them, and each belongs to its certificate."""
    pair = authority.issue("admin", "admin")
    assert stat.S_IMODE(pair.key.stat().st_mode) == 0o600
    key = load_pem_private_key(pair.key.read_bytes(), None)
    assert key.public_key() == certificate(pair).public_key()


def test_kubeconfig_needs_no_other_file(authority: Authority, tmp_path: Path) -> None:
    """Server, authority, certificate and key are in it; and only its owner reads it."""
    pair, file = authority.issue("admin", "admin", ["system:masters"]), tmp_path / "kubeconfig"
    ca = authority.pair.certificate
    kubeconfig.write(file, cluster="edge-a", server="https://198.18.10.11:6443", ca=ca, user="admin", pair=pair)
    told = yaml.safe_load(file.read_text())
    (cluster,), (user,) = told["clusters"], told["users"]
    assert cluster["cluster"]["server"] == "https://198.18.10.11:6443"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == ca.read_bytes()
    assert base64.b64decode(user["user"]["client-key-data"]) == pair.key.read_bytes()
    assert told["current-context"] == told["contexts"][0]["name"] == "edge-a"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
