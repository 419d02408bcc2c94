"""Building and deploying the one template: onto the emulator, or into the account."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli import show
from cli.emulator import aws_environment, client, endpoint
from cli.environments import build_environment
from cli.errors import CannotRun
from cli.paths import ROOT, Home, home
from cli.stack import STACK_NAME
from local.fixups import apply

BUCKET = "heisenbug-artifacts"
SOURCES = ("functions", "layers", "web", "template.yaml")
LEFT_OUT = ("__pycache__", ".pyc")


def fingerprint(parameters: Mapping[str, str]) -> str:
    """What a deployment is made of, as one short text: the same text needs no new deployment."""
    digest = hashlib.sha256(json.dumps(dict(sorted(parameters.items()))).encode())
    for file in _source_files():
        digest.update(str(file.relative_to(ROOT)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()[:24]


def is_deployed(home: Home, parameters: Mapping[str, str]) -> bool:
    """Whether exactly this was deployed last."""
    try:
        known = json.loads(home.deployed_file.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(known == {"fingerprint": fingerprint(parameters)})


def build(home: Home) -> None:
    """`sam build` of the template for this computer's interpreter, apart from any build for AWS."""
    command = ["sam", "build", "--build-dir", str(home.path / "build"), "--cache-dir", str(home.path / "cache")]
    sam(home, command, build_environment(home, home.python("functions")), "build")


def deploy(home: Home, port: int, parameters: Mapping[str, str]) -> None:
    """`sam deploy` of what was built onto the emulator, then what its CloudFormation leaves out."""
    client("s3", port).create_bucket(Bucket=BUCKET)
    overrides = [f"{name}={value}" for name, value in parameters.items()]
    command = [
        "sam",
        "deploy",
        "--template-file",
        str(home.path / "build" / "template.yaml"),
        "--stack-name",
        STACK_NAME,
    ]
    command += ["--s3-bucket", BUCKET, "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset"]
    command += ["--no-fail-on-empty-changeset", "--parameter-overrides", *overrides]
    around = build_environment(home, home.python("functions"))
    nobodys = {name: value for name, value in around.items() if not name.startswith("AWS_")}
    sam(home, command, {**nobodys, **aws_environment(port), "SAM_CLI_POLL_DELAY": "0.2"}, "deploy")
    apply(STACK_NAME, endpoint(port))
    home.deployed_file.write_text(json.dumps({"fingerprint": fingerprint(parameters)}), "utf-8")


def sam(home: Home, command: list[str], environment: Mapping[str, str], name: str) -> None:
    """Run SAM with its output in a log; raises CannotRun with the end of it."""
    log = home.log(name)
    log.parent.mkdir(parents=True, exist_ok=True)
    program = [str(home.path / "sam" / "bin" / "sam"), *command[1:]]
    with log.open("wb") as output:
        done = subprocess.run(program, cwd=ROOT, env=dict(environment), stdout=output, stderr=output, check=False)
    if done.returncode:
        last = "\n".join(log.read_text("utf-8", "replace").splitlines()[-8:])
        raise CannotRun(f"`sam {name}` failed:\n{last}\nThe whole log is {log}.")


def deploy_to_aws(arguments: list[str]) -> int:
    """`sam build && sam deploy` into the account, talking to the terminal; returns the exit code."""
    program = _sam_of_the_user()
    built = subprocess.run([program, "build"], cwd=ROOT, check=False).returncode
    if built:
        return built
    show.say("Built. Now `sam deploy`; the first time it asks for a region and a name.")
    return subprocess.run([program, "deploy", *arguments], cwd=ROOT, check=False).returncode


def destroy_in_aws(name: str) -> int:
    """`sam delete`; tables that hold settings, trades and state are kept by the template."""
    return subprocess.run([_sam_of_the_user(), "delete", "--stack-name", name], cwd=ROOT, check=False).returncode


def _sam_of_the_user() -> str:
    own = home().path / "sam" / "bin" / "sam"
    found = str(own) if own.exists() else shutil.which("sam")
    if not found:
        raise CannotRun("The SAM CLI is not there; `make up` installs it under .heisenbug/, or install aws-sam-cli.")
    return found


def _source_files() -> Iterator[Path]:
    for name in SOURCES:
        path = ROOT / name
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (file for file in files if file.is_file() and not any(part in str(file) for part in LEFT_OUT))
