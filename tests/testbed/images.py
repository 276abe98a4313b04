# SPDX-License-Identifier: Apache-2.0
"""Container images without a registry and without an engine: one layer of files, as `docker save` would write it."""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ARCHITECTURES: Mapping[str, str] = {"x86_64": "amd64", "aarch64": "arm64"}
"""Of OCI images, by the kernel's names."""
EPOCH = 0
"""Time of every file in an archive: the same files give the same image."""


def write(image: str, archive: Path, files: Mapping[str, Path], entrypoint: Sequence[str]) -> None:
    """Write an image archive.

    Args:
        image: its whole name, registry and tag included (`docker.io/testbed/pause:1`): a kubelet looks for that.
        archive: where it is written.
        files: static programs, and other files, by their path in the image.
        entrypoint: what a container runs.
    """
    layer = _tar({path.lstrip("/"): (file.read_bytes(), file.stat().st_mode & 0o777) for path, file in files.items()})
    layer_digest = hashlib.sha256(layer).hexdigest()
    config = _json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Entrypoint": list(entrypoint), "User": "65532:65532"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    )
    config_name, layer_name = f"{hashlib.sha256(config).hexdigest()}.json", f"{layer_digest}/layer.tar"
    manifest = _json([{"Config": config_name, "RepoTags": [image], "Layers": [layer_name]}])
    archive.write_bytes(
        _tar({config_name: (config, 0o644), layer_name: (layer, 0o644), "manifest.json": (manifest, 0o644)})
    )


def _tar(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(content), mode, EPOCH
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
