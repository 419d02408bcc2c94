"""The panel packed: every module in a scope of its own, and what is not understood stops it by file and line."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from web.packing import CannotPack, bundle, main, scoped

WEB = Path(__file__).parents[2] / "web"


def modules(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        file = folder / f"{name.replace('__', '/')}.js"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return folder


def run(script: str) -> str:
    """What a script prints, run as a classic one."""
    if not shutil.which("node"):
        pytest.skip("Node is not here to run what was packed")
    command = ["node", "--input-type=commonjs", "-"]
    return subprocess.run(command, input=script, capture_output=True, text=True, check=True).stdout.strip()


def test_modules_run_as_they_would_by_themselves(tmp_path: Path) -> None:
    source = modules(
        tmp_path,
        app='import { double as twice, LEAST } from "./parts/sums.js";\nimport say from "./say.js";\n'
        "say(twice(LEAST));\n",
        parts__sums='import { LEAST } from "../least.js";\nexport { LEAST } from "../least.js";\n'
        "const hidden = 2;\nexport function double(number) { return hidden * number; }\n",
        least="export const LEAST = 21;\n",
        say="export default (text) => console.log(text);\n",
    )
    assert run(bundle(source, "app.js")) == "42"


def test_names_of_one_module_are_nothing_to_another(tmp_path: Path) -> None:
    source = modules(
        tmp_path,
        app='import { one } from "./one.js";\nconst inner = 3;\nconsole.log(one(), inner);\n',
        one="const inner = 1;\nexport const one = () => inner;\n",
    )
    assert run(bundle(source, "app.js")) == "1 3"


def test_what_is_needed_twice_runs_once(tmp_path: Path) -> None:
    source = modules(
        tmp_path,
        app='import { a } from "./a.js";\nimport { b } from "./b.js";\na(); b();\n',
        a='import { c } from "./c.js";\nexport const a = () => c;\n',
        b='import { c } from "./c.js";\nexport const b = () => c;\n',
        c='console.log("once");\nexport const c = 1;\n',
    )
    assert run(bundle(source, "app.js")) == "once"


def test_minified_modules_are_understood() -> None:
    text = 'import{h as e,options as t}from"./preact.js";const n=1;function r(){return n}export{r as useIt,n as one};'
    assert scoped("it.js", text).split("\n") == [
        "const { h: e, options: t } = $preact;const n=1;function r(){return n}",
        "$exports.useIt = r;$exports.one = n;",
    ]


@pytest.mark.parametrize(
    "line",
    [
        'import * as all from "./other.js";',
        'import "./other.js";',
        'import { a } from "other";',
        "export let changing = 1;",
        'export * from "./other.js";',
    ],
)
def test_what_is_not_understood_stops_it_with_its_file_and_line(line: str) -> None:
    with pytest.raises(CannotPack, match=re.escape(f"it.js line 3: {line!r} is not understood")):
        scoped("it.js", f"// first\nconst a = 1;\n{line}\n")


def test_modules_that_import_each_other_are_refused(tmp_path: Path) -> None:
    source = modules(tmp_path, a='import { b } from "./b.js";\n', b='import { a } from "./a.js";\n')
    with pytest.raises(CannotPack, match=r"a\.js imports itself by way of a\.js and b\.js"):
        bundle(source, "a.js")


def test_the_panel_is_packed_to_the_same_bytes_each_time_with_all_its_notices(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        main(WEB, folder)
    names = sorted(path.name for path in first.iterdir())
    assert names == sorted(path.name for path in second.iterdir())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)
    assert gzip.decompress((first / "index.html.gz").read_bytes()) == (first / "index.html").read_bytes()
    notices = (first / "licences.txt").read_text()
    for words in ("Lightweight Charts", "Jason Miller", "Preact Team", "Apache License"):
        assert words in notices
