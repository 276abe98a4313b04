# SPDX-License-Identifier: Apache-2.0
"""Lists what is in the image, as SPDX 2.3 in JSON: `python3 sbom.py FOLDER FILE [MODULES]`.

Python distributions are those in FOLDER, Go modules those in the lines of MODULES, Debian packages those that
dpkg knows. The same image gives the same file. A folder of wheels is listed by itself, without packages of the machine it is on.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

NAME = "edge-relocation"
INSTALLED = Path("/var/lib/dpkg/status")
Package = dict[str, Any]


def document(folder: Path, modules: Path | None = None, dpkg: Path = INSTALLED) -> dict[str, Any]:
    """The whole document (spdx.github.io/spdx-spec/v2.3)."""
    wheels = [str(file) for file in folder.glob("*.whl")]
    found = [*_python(wheels)] if wheels else [*_python([str(folder)]), *_go(modules), *_debian(dpkg)]
    packages = sorted(found, key=lambda one: str(one["SPDXID"]))
    digest = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    moment = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), UTC)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": NAME,
        "documentNamespace": f"urn:sha256:{digest}",
        "creationInfo": {"created": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": [f"Tool: {NAME}"]},
        "documentDescribes": [one["SPDXID"] for one in packages if one["name"] == NAME],
        "packages": packages,
    }


def _python(places: list[str]) -> Iterator[Package]:
    for found in distributions(path=places):
        name = found.metadata["Name"]
        yield _package("pypi", name, found.version, f"pkg:pypi/{quote(name.lower())}@{found.version}", _licence(found))


def _licence(found: Distribution) -> str:
    """As SPDX writes it, where the distribution says so."""
    return str(found.metadata.json.get("license_expression") or "NOASSERTION")


def _go(modules: Path | None) -> Iterator[Package]:
    lines = [] if modules is None else modules.read_text(encoding="utf-8").splitlines()
    for name, version in map(str.split, lines):
        yield _package("go", name, version, f"pkg:golang/{name}@{quote(version)}", "NOASSERTION")


def _debian(status: Path) -> Iterator[Package]:
    """Nothing where the base has no dpkg."""
    text = status.read_text(encoding="utf-8") if status.exists() else ""
    for paragraph in filter(None, text.split("\n\n")):
        said = message_from_string(paragraph)
        if "installed" in str(said["Status"]).split():
            where = f"pkg:deb/debian/{quote(said['Package'])}@{quote(said['Version'])}?arch={said['Architecture']}"
            yield _package("deb", said["Package"], said["Version"], where, "NOASSERTION")


def _package(kind: str, name: str, version: str, where: str, licence: str) -> Package:
    key = "".join(letter if letter.isalnum() or letter in ".-" else "-" for letter in f"{kind}-{name}-{version}")
    return {
        "SPDXID": f"SPDXRef-{key}",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": where},
        ],
    }


if __name__ == "__main__":
    folder, file, *modules = map(Path, sys.argv[1:])
    file.write_text(json.dumps(document(folder, *modules), indent=1) + "\n", encoding="utf-8")
