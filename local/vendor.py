"""Fetches what others wrote for browsers from the npm registry, as the lock.json of each folder says.

web/vendor is what browsers get, tests/vendor what looks at them in tests.

`python -m local.vendor` takes exactly what is locked: a package or a file with another hash is refused, and nothing is
written. `python -m local.vendor --lock` takes the versions that the lock names and writes their hashes into it anew.
"""

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "web" / "vendor"
LOCK = VENDOR / "lock.json"
FOLDERS = (VENDOR, ROOT / "tests" / "vendor")


class NotAsLocked(Exception):
    """What the registry gave is not what the lock says; the text names it."""


def main() -> None:
    """Fetch everything, then write everything."""
    parser = argparse.ArgumentParser(description="Fetch the libraries of web/vendor and tests/vendor.")
    parser.add_argument("--lock", action="store_true", help="write the hashes of what is fetched into the locks")
    relock = parser.parse_args().lock
    locks = {folder: json.loads((folder / LOCK.name).read_text()) for folder in FOLDERS}
    try:
        files = {folder / name: content for folder in FOLDERS for name, content in fetched(locks[folder], relock)}
    except NotAsLocked as problem:
        sys.exit(f"{problem} Nothing was written.")
    for file, content in files.items():
        file.write_bytes(content)
    if relock:
        for folder, lock in locks.items():
            (folder / LOCK.name).write_text(json.dumps(lock, indent=2) + "\n")
    print(f"{len(files)} files in {' and '.join(map(str, FOLDERS))}")


def fetched(lock: dict[str, Any], relock: bool = False) -> Iterator[tuple[str, bytes]]:
    """Every file of every package of the lock; raises NotAsLocked. Where `relock`, the lock gets the hashes instead."""
    for name, package in lock["packages"].items():
        wanted = f"{name}@{package['version']}"
        with tempfile.TemporaryDirectory() as folder:
            packed = _pack(wanted, Path(folder))
            found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
            agree(wanted, package, "integrity", f"sha512-{found}", relock)
            with tarfile.open(packed) as contents:
                for target, file in package["files"].items():
                    content = made_local(_member(contents, wanted, file["from"]), file.get("imports", {}))
                    agree(f"{target} of {wanted}", file, "sha256", hashlib.sha256(content).hexdigest(), relock)
                    yield target, content


def agree(what: str, entry: dict[str, Any], key: str, found: str, relock: bool) -> None:
    """Check one hash against the lock, or write it there."""
    if relock:
        entry[key] = found
    if entry.get(key) != found:
        raise NotAsLocked(f"{what} has the {key} {found}, and the lock says {entry.get(key)}.")


def made_local(content: bytes, imports: dict[str, str]) -> bytes:
    """A file with each bare module it imports replaced by the file that stands in for it, and without a source map."""
    text = re.sub(r"\n?//# sourceMappingURL=\S*\s*$", "\n", content.decode())
    for module, file in imports.items():
        text = re.sub(rf"""(\bfrom\s*|\bimport\s*)(["']){re.escape(module)}\2""", rf"\g<1>\g<2>./{file}\g<2>", text)
    return text.encode()


def _pack(wanted: str, folder: Path) -> Path:
    """The package as npm packs it."""
    command = ["npm", "pack", wanted, "--silent", "--pack-destination", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as problem:
        raise NotAsLocked(f"npm could not fetch {wanted} ({problem}).") from problem
    return next(folder.iterdir())


def _member(contents: tarfile.TarFile, wanted: str, name: str) -> bytes:
    try:
        member = contents.extractfile(f"package/{name}")
    except KeyError:
        member = None
    if member is None:
        raise NotAsLocked(f"{wanted} has no file {name}.")
    return member.read()


if __name__ == "__main__":
    main()
