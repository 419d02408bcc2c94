"""Packs the panel for its layer: modules become one script, the style goes into the page, all of it compressed once.

`python packing.py SOURCE TARGET`. A browser runs the files in SOURCE as they are; packed, a cold visit asks for four.
Of the module syntax it takes what the panel uses: named imports and exports, and a default export that is an
expression. Anything else stops it with the file and the line.
"""

import gzip
import hashlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ENTRY, CHARTS, STYLE, PAGE = "app.js", "vendor/lightweight-charts.js", "style.css", "index.html"
NOTICES = "licences.txt"
AS_THEY_ARE = ("openapi.json", "docs.html", "docs.js", "sw.js", "manifest.webmanifest")
IMAGES = "*.png", "*.svg"

_START = r"(?:^|(?<=[;}\n]))[ \t]*"
_NAMES = r"\{([^{}]*)\}"
_FROM = r"""\s*from\s*["']\./([^"']+)["'];?|\s*from\s*["'](\.\./[^"']+)["'];?"""
_IMPORT = re.compile(rf"{_START}import\s*(?:{_NAMES}|([A-Za-z_$][\w$]*))(?:{_FROM})")
_PASSED_ON = re.compile(rf"{_START}export\s*{_NAMES}(?:{_FROM})")
_EXPORT = re.compile(rf"{_START}export\s*{_NAMES};?")
_DEFAULT = re.compile(rf"{_START}export default\s+")
_DECLARED = re.compile(rf"{_START}export\s+((?:async\s+)?function\*?|const|class)\s+([A-Za-z_$][\w$]*)")
_LEFT_OVER = re.compile(rf"{_START}(?:import\b(?!\s*[(.])|export\b).*")


class CannotPack(Exception):
    """A file that is not written as the packing understands; the text names the file and the line."""


def main(source: Path, target: Path) -> None:
    """Write everything a browser may ask for into `target`, which must exist."""
    app = named("app", "js", bundle(source, ENTRY))
    charts = named("charts", "js", (source / CHARTS).read_text())
    page = (source / PAGE).read_text()
    for before, after in page_changes(app[0], charts[0], (source / STYLE).read_text()):
        if before not in page:
            raise CannotPack(f"{PAGE} has no {before!r}.")
        page = page.replace(before, after)
    for name, text in (app, charts, (PAGE, page), (NOTICES, notices(source / "vendor"))):
        write(target / name, text.encode())
    for name in AS_THEY_ARE:
        write(target / name, (source / name).read_bytes())
    for image in (found for pattern in IMAGES for found in source.glob(pattern)):
        shutil.copy(image, target / image.name)


def page_changes(app: str, charts: str, style: str) -> Iterator[tuple[str, str]]:
    """What stands in the page as it is, and what does in its place once it is packed."""
    yield '<link rel="stylesheet" href="assets/style.css">', f"<style>{style}</style>"
    yield 'src="assets/vendor/lightweight-charts.js"', f'src="assets/{charts}"'
    yield 'src="assets/app.js" type="module"', f'src="assets/{app}" defer'


def named(stem: str, ending: str, text: str) -> tuple[str, str]:
    """A text under a name that changes with it."""
    return f"{stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.{ending}", text


def write(path: Path, content: bytes) -> None:
    """A file, and beside it the same compressed; the same content gives the same bytes."""
    path.write_bytes(content)
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content, 9, mtime=0))


def notices(vendor: Path) -> str:
    """What the licences of the vendored libraries want everyone to read."""
    files = sorted([*vendor.glob("*.LICENSE.txt"), *vendor.glob("*.NOTICE.txt")])
    return "\n\n".join(f"== {file.name.removesuffix('.txt')} ==\n\n{file.read_text().strip()}" for file in files) + "\n"


def bundle(source: Path, entry: str) -> str:
    """The module `entry` and all it imports, each in a scope of its own, those that are needed first."""
    done: dict[str, str] = {}
    _add(source, entry, done, ())
    return "'use strict';\n" + "\n".join(done.values()) + "\n"


def _add(source: Path, name: str, done: dict[str, str], above: tuple[str, ...]) -> None:
    if name in above:
        raise CannotPack(f"{name} imports itself by way of {' and '.join(above)}.")
    if name in done:
        return
    text = (source / name).read_text()
    needed = [_place(name, found) for pattern in (_IMPORT, _PASSED_ON) for found in pattern.finditer(text)]
    for other in needed:
        _add(source, other, done, (*above, name))
    within = f"const $exports = {{}};\n{scoped(name, text)}\nreturn $exports;"
    done[name] = f"const {_scope(name)} = (() => {{\n{within}\n}})();"


def scoped(name: str, text: str) -> str:
    """A module's text with its imports taken from other scopes and its exports kept in `$exports`."""
    exported: list[str] = []

    def imported(found: re.Match[str]) -> str:
        wanted = _renamed(found[1], ": ") if found[1] is not None else f"default: {found[2]}"
        return f"const {{ {wanted} }} = {_scope(_place(name, found))};"

    def passed_on(found: re.Match[str]) -> str:
        scope = _scope(_place(name, found))
        return "".join(f"$exports.{outer} = {scope}.{inner};" for inner, outer in _pairs(found[1]))

    def export(found: re.Match[str]) -> str:
        exported.extend(f"$exports.{outer} = {inner};" for inner, outer in _pairs(found[1]))
        return ""

    def declared(found: re.Match[str]) -> str:
        exported.append(f"$exports.{found[2]} = {found[2]};")
        return f"{found[1]} {found[2]}"

    text = _IMPORT.sub(imported, text)
    text = _PASSED_ON.sub(passed_on, text)
    text = _EXPORT.sub(export, text)
    text = _DEFAULT.sub("$exports.default = ", text)
    text = _DECLARED.sub(declared, text)
    left = _LEFT_OVER.search(text)
    if left:
        line = text[: left.start()].count("\n") + 1
        raise CannotPack(
            f"{name} line {line}: {left[0].strip()[:80]!r} is not understood; write named imports and exports."
        )
    return text + "\n" + "".join(exported)


def _place(name: str, found: re.Match[str]) -> str:
    """The file that an import of `name` means, from the source's root."""
    here, given = Path(name).parent, found[found.re.groups - 1] or found[found.re.groups]
    parts: list[str] = []
    for part in (here / given).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _pairs(names: str) -> list[tuple[str, str]]:
    """Inside name and outside name of each of `a, b as c`."""
    each = (one.split(" as ") for one in names.split(",") if one.strip())
    return [(one[0].strip(), one[-1].strip()) for one in each]


def _renamed(names: str, between: str) -> str:
    return ", ".join(outer if outer == inner else f"{outer}{between}{inner}" for outer, inner in _pairs(names))


def _scope(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except CannotPack as problem:
        sys.exit(str(problem))
