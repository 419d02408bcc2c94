"""What browsers get of others is what the lock says, with its licence beside it."""

import base64
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import vendor
from local.vendor import FOLDERS, LOCK, VENDOR, NotAsLocked, fetched, made_local

CODE = b'import{h}from"preact";export*from \'preact/hooks\';"preact"\n//# sourceMappingURL=x.js.map\n'


def locked(folder: Path = VENDOR) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / LOCK.name).read_text())["packages"]
    return found


@pytest.fixture
def packed(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """npm packs one file."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        entry = tarfile.TarInfo("package/dist/it.js")
        entry.size = len(CODE)
        archive.addfile(entry, io.BytesIO(CODE))

    def pack(command: list[str], **told: Any) -> None:
        (Path(command[-1]) / "it-1.0.0.tgz").write_bytes(whole.getvalue())

    monkeypatch.setattr(subprocess, "run", pack)
    return whole.getvalue()


def lock_of(packed: bytes, content: bytes) -> dict[str, Any]:
    integrity = f"sha512-{base64.b64encode(hashlib.sha512(packed).digest()).decode()}"
    file = {"from": "dist/it.js", "sha256": hashlib.sha256(content).hexdigest()}
    return {"packages": {"it": {"version": "1.0.0", "integrity": integrity, "files": {"it.js": file}}}}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_vendored_file_is_the_one_that_is_locked(folder: Path) -> None:
    for package in locked(folder).values():
        assert package["integrity"].startswith("sha512-")
        for name, file in package["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == file["sha256"], name


def test_nothing_lies_there_that_is_not_locked_but_notices() -> None:
    known = {"lock.json", *(name for package in locked().values() for name in package["files"])}
    assert [path.name for path in VENDOR.iterdir() if path.name not in known and ".NOTICE." not in path.name] == []


def test_every_package_says_its_version_and_has_its_licence_beside_it() -> None:
    for package in locked().values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert any(".LICENSE." in name for name in package["files"])


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"https?:|resolved|registry", LOCK.read_text())


def test_what_is_as_locked_is_given(packed: bytes) -> None:
    content = made_local(CODE, {})
    assert dict(fetched(lock_of(packed, content))) == {"it.js": content}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda it: it.update(integrity="sha512-AAAA"), "it@1.0.0 has the integrity sha512-"),
        (lambda it: it["files"]["it.js"].update(sha256="00"), "it.js of it@1.0.0 has the sha256"),
        (lambda it: it["files"]["it.js"].pop("sha256"), "the lock says None"),
        (lambda it: it["files"]["it.js"].update({"from": "gone.js"}), "it@1.0.0 has no file gone.js"),
    ],
)
def test_what_is_not_as_locked_is_refused(packed: bytes, spoil: Callable[[dict[str, Any]], None], says: str) -> None:
    lock = lock_of(packed, made_local(CODE, {}))
    spoil(lock["packages"]["it"])
    with pytest.raises(NotAsLocked, match=re.escape(says)):
        dict(fetched(lock))


def test_hashes_are_written_anew_only_when_told(packed: bytes) -> None:
    lock, right = lock_of(packed, b"other"), lock_of(packed, made_local(CODE, {}))
    dict(fetched(lock, relock=True))
    assert lock == right


def test_where_npm_fails_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **told: Any) -> None:
        raise FileNotFoundError("npm")

    monkeypatch.setattr(vendor.subprocess, "run", fail)
    with pytest.raises(NotAsLocked, match="npm could not fetch it"):
        dict(fetched(lock_of(b"", b"")))


def test_bare_imports_become_files_and_source_maps_go() -> None:
    local = made_local(CODE, {"preact": "preact.js", "preact/hooks": "hooks.js"})
    assert local == b'import{h}from"./preact.js";export*from \'./hooks.js\';"preact"\n'
