"""Where things are: the checkout, and `.heisenbug/`, which holds everything a local run makes."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one local run; everything in it may be deleted with `make clean`."""

    path: Path

    @property
    def stack_file(self) -> Path:
        """What the command line knows of the local stack."""
        return self.path / "stack.json"

    @property
    def deployed_file(self) -> Path:
        """What was deployed last, to tell whether it must be again."""
        return self.path / "deployed.json"

    @property
    def state(self) -> Path:
        """The emulator's state."""
        return self.path / "state"

    def log(self, name: str) -> Path:
        """The log of one process."""
        return self.path / "log" / f"{name}.log"

    def process(self, name: str) -> Path:
        """What is known of one process."""
        return self.path / "run" / f"{name}.json"

    def python(self, environment: str) -> Path:
        """The interpreter of one of the environments: venv, ministack, functions, sam."""
        return self.path / environment / "bin" / "python"


def home() -> Home:
    """The folder `.heisenbug` of this checkout, or what HEISENBUG_HOME names."""
    return Home(Path(os.environ.get("HEISENBUG_HOME", ROOT / ".heisenbug")))
