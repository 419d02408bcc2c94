"""The `heisenbug` command."""

import sys
from typing import Annotated

import typer

from cli import (
    asking,
    backtesting,
    explaining,
    fitting,
    glancing,
    keeping,
    laptop,
    market,
    notifying,
    replaying,
    resolving,
    risking,
    screens,
    several,
    show,
    sweeping,
    telling,
    trading,
    uploading,
    watching,
)
from cli.errors import CannotRun, Mistyped, Refused
from cli.stack import speak_of

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="It talks to the bot on this computer while one runs, else to AWS (HEISENBUG_TARGET=aws: always).",
)


@app.callback()
def chosen(
    bot: Annotated[
        str, typer.Option("--bot", envvar="HEISENBUG_BOT", metavar="NAME", help="Of this bot, not the own one.")
    ] = "",
) -> None:
    """A trading bot that can be believed: look at it, steer it, run it here or in AWS. Paper by default."""
    speak_of(bot)


app.command("up", rich_help_panel="Run")(laptop.up_command)
app.command("down", rich_help_panel="Run")(laptop.down_command)
app.command("clean", rich_help_panel="Run")(laptop.clean_command)
passed_on = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command("exchange", rich_help_panel="Run", context_settings=passed_on, add_help_option=False)(laptop.exchange)
app.command("deploy", rich_help_panel="Run", context_settings=passed_on)(laptop.deploy)
app.command("destroy", rich_help_panel="Run")(laptop.destroy)
app.command("doctor", rich_help_panel="Run")(laptop.doctor)
app.command("token", rich_help_panel="Run")(laptop.token)
app.command("invoke", rich_help_panel="Run")(laptop.invoke_command)
app.command("env-vars", rich_help_panel="Run")(laptop.env_vars)
for name, look in (
    ("status", asking.status),
    ("watch", watching.watch),
    ("trades", trading.trades),
    ("explain", explaining.explain),
    ("opportunities", asking.opportunities),
    ("decisions", asking.decisions),
    ("portfolio", asking.portfolio),
    ("health", glancing.health),
    ("cost", glancing.cost),
    ("performance", glancing.performance),
    ("ticks", glancing.ticks),
    ("equity", glancing.equity),
    ("prices", glancing.prices),
):
    app.command(name, rich_help_panel="Look")(look)
app.add_typer(several.bots, name="bots", rich_help_panel="Steer")
app.add_typer(telling.config, name="config", rich_help_panel="Steer")
app.add_typer(telling.pairs, name="pairs", rich_help_panel="Steer")
app.add_typer(notifying.notify, name="notify", rich_help_panel="Steer")
for name, tell in (
    ("start", telling.start),
    ("stop", telling.stop),
    ("kill", telling.kill),
    ("rearm", telling.rearm),
    ("resolve", resolving.resolve),
):
    app.command(name, rich_help_panel="Steer")(tell)
app.command("replay", rich_help_panel="Learn")(replaying.replay)
app.command("backtest", rich_help_panel="Learn")(backtesting.backtest_command)
app.command("markets", rich_help_panel="Learn")(glancing.markets)
app.command("sweep", rich_help_panel="Learn")(sweeping.sweep_command)
app.command("fit", rich_help_panel="Learn")(fitting.fit_command)
market.market.command("upload")(uploading.upload)
app.add_typer(market.market, name="market", rich_help_panel="Learn")
app.command("live", rich_help_panel="Real money")(risking.live)
app.command("credential", rich_help_panel="Real money")(keeping.credential)
screens.tell_places(app)


def main() -> None:
    """Run the command; an error is one sentence on stderr and exit code 1, or 2 for what was typed wrong."""
    try:
        app()
    except Refused as refused:
        for error in refused.fields or [{"message": str(refused)}]:
            show.talk.print(error["message"], style="red", markup=False, soft_wrap=True)
        sys.exit(2 if refused.fields else 1)
    except (CannotRun, Mistyped) as error:
        show.talk.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(2 if isinstance(error, Mistyped) else 1)


if __name__ == "__main__":
    main()
