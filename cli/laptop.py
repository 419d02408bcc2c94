"""Commands that run the bot: up, down, exchange, doctor, token, deploy, destroy."""

import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from cli import show
from cli.asking import Json
from cli.containers import open_to_containers
from cli.deploying import deploy_to_aws, destroy_in_aws
from cli.doctoring import examine
from cli.errors import CannotRun, Mistyped
from cli.following import follow
from cli.local_invoke import HOST, function_of, invoke, port_of, sam_command, write_variables
from cli.markets import choose_market
from cli.paths import ROOT, home
from cli.running import Progress, Wish, down, forget, up
from cli.stack import STACK_NAME, Stack, find_stack, speak_of

PORT = 4566
LIVE = "LiveTrading is enabled, with the simulated exchange's money. Next: heisenbug credential, then heisenbug live"


def up_command(
    market: Annotated[
        str, typer.Option(help="A recorded market file, `demo`, or `live`; by itself live, else demo.")
    ] = "",
    speed: Annotated[float | None, typer.Option(min=0.1, max=3600, help="Market seconds a second.")] = None,
    risk_level: Annotated[float | None, typer.Option(help="Setting risk_tolerance.")] = None,
    min_confidence: Annotated[float | None, typer.Option(help="Setting min_confidence.")] = None,
    interval: Annotated[int | None, typer.Option(help="Setting check_interval_seconds.")] = None,
    add_pair: Annotated[
        list[str] | None, typer.Option(help="A pair to trade, such as BTC-USD; may be repeated.")
    ] = None,
    live_trading: Annotated[
        bool, typer.Option("--live-trading", help="Deploy with LiveTrading=enabled, on the simulated exchange.")
    ] = False,
    port: Annotated[int, typer.Option(help="Port of the embedded AWS; the next one is the market's.")] = PORT,
    detach: Annotated[bool, typer.Option("--detach", help="Return when the first tick is made.")] = False,
    json: Json = False,
) -> None:
    """Run the whole bot on this computer: no Docker, no account, no keys, paper money."""
    if json and not detach:
        raise Mistyped("--json tells where the bot is and ends: give --detach too. heisenbug watch --json follows it.")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    speak_of("")  # what is typed is for the market's own bot, whatever HEISENBUG_BOT says
    typed = {"risk_tolerance": risk_level, "min_confidence": min_confidence, "check_interval_seconds": interval}
    changes = {name: value for name, value in typed.items() if value is not None}
    progress = Progress()
    wish = Wish(choose_market(market, speed, live_trading), port, changes, add_pair or [], live_trading)
    stack = up(home(), wish, progress)
    progress("[bold]the bot runs[/]")
    show.as_json(_places(stack)) if json else _tell_where(stack, wish)
    if not detach:
        _follow_until_stopped(port)


def _places(stack: Stack) -> dict[str, str]:
    panel = f"{stack.outputs['PanelUrl']}#token={stack.token}"
    return {"panel": panel, "api": stack.api, "websocket": stack.websocket, "token": stack.token}


def _tell_where(stack: Stack, wish: Wish) -> None:
    command = Path(sys.argv[0]).resolve()
    shown = command.relative_to(Path.cwd()) if command.is_relative_to(Path.cwd()) else command
    show.say(f"\n{wish.market.words}\n")
    show.facts(
        {
            "Page": _places(stack)["panel"],
            "API": stack.api,
            "WebSocket": stack.websocket,
            "Token": stack.token,
            "Next": f"{shown} status | watch | opportunities | trades | config get | --help",
            **({"Live": LIVE} if wish.live_trading else {}),
            "Stop": "make down (state is kept), make clean (state is forgotten)",
        }
    )


def _follow_until_stopped(port: int) -> None:
    try:
        follow(home(), port)
    except KeyboardInterrupt:
        show.say("Stopping; the state is kept.")
    finally:
        down(home())


def down_command() -> None:
    """Stop the bot on this computer; settings, trades and window are kept."""
    show.say("Stopped; `make up` goes on where it was." if down(home()) else "Nothing runs here.")


def clean_command() -> None:
    """Stop the bot on this computer and forget everything it stored."""
    forget(home())
    show.say("Forgotten.")


def token(json: Json = False) -> None:
    """Print the admin token of the stack."""
    stack = find_stack()
    show.as_json({"token": stack.token}) if json else show.out.print(stack.token, soft_wrap=True)


def doctor(json: Json = False) -> None:
    """Look what is wrong: tools, the stack, the clock, the newest tick and its prices, the way to live money."""
    checks = examine()
    if json:
        show.as_json([{"check": check.name, "ok": check.ok, "says": check.says} for check in checks])
    else:
        show.table(
            [{"ok": "ok" if check.ok else "LOOK", "name": check.name, "says": check.says} for check in checks],
            {"ok": "", "name": "Check", "says": "Says"},
            "",
        )
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def invoke_command(
    event: Annotated[Path, typer.Argument(help="A file such as events/minute.json; its name says which function.")],
    function: Annotated[str, typer.Option(help="Another function, by its name in template.yaml.")] = "",
) -> None:
    """Run one function in a container, as `sam local invoke` does, on the bot that runs here."""
    raise typer.Exit(invoke(find_stack(), home(), function or function_of(event), event.resolve()))


def env_vars(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("env.json"),
    host: Annotated[str, typer.Option(help="Where a container finds this computer.")] = HOST,
    opened: Annotated[bool, typer.Option("--open", help="Let containers in until Ctrl-C.")] = False,
) -> None:
    """Write what `sam local invoke --env-vars FILE` needs, from the stack's outputs; --open lets containers in."""
    stack = find_stack()
    write_variables(stack, file, host)
    command = sam_command(home(), "TraderFunction", Path("events/minute.json"), file)
    show.say(f"Wrote {file}. Next: {shlex.join(command)}")
    if opened:
        _stay_open(port_of(stack))


def _stay_open(port: int) -> None:
    with open_to_containers([port, port + 1]):
        show.say("Containers reach the bot until Ctrl-C.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            show.say("Closed.")


def exchange(
    arguments: Annotated[list[str] | None, typer.Argument(help="See heisenbug exchange -- --help.")] = None,
) -> None:
    """Serve a market by itself, as Uphold would: --market FILE|demo --speed 12 --port 4567."""
    raise typer.Exit(
        subprocess.run([sys.executable, "-m", "local.exchange", *(arguments or [])], cwd=ROOT, check=False).returncode
    )


def deploy(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed to `sam deploy`, such as --guided.")] = None,
) -> None:
    """Build and deploy into the AWS account that the environment names."""
    code = deploy_to_aws(arguments or [])
    if code == 0:
        show.say("Deployed. A new bot is stopped, and on paper until heisenbug live says otherwise.")
        show.say("Next: HEISENBUG_TARGET=aws heisenbug start")
    raise typer.Exit(code)


def destroy(
    name: Annotated[str, typer.Option("--stack", help="The stack to delete.")] = STACK_NAME,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the stack from the AWS account; tables with settings, trades and state are kept there."""
    if not yes and typer.prompt(f"Type {name} to delete it") != name:
        raise CannotRun("Not deleted: the name was not typed.")
    raise typer.Exit(destroy_in_aws(name))
