"""The minute event: plans the ticks of the next minute and sends them off."""

from heisenbug.bot import Bot
from heisenbug.domain.errors import InvalidSettings
from heisenbug.domain.schedule import Plan, delay_seconds, plan_minute
from heisenbug.domain.settings import DEFAULTS
from heisenbug.domain.state import State


def run_minute(bot: Bot) -> Plan:
    """Start the ticks of the next minute: send them off with their delays; the one due now is the caller's to run."""
    state = bot.states.read()
    interval = _interval(bot, state)
    now = bot.clock().timestamp()
    plan = plan_minute(now, interval, state.planned, state.last_tick)
    if plan.later:
        # Delays are whole seconds: sent on a whole second, ticks come on theirs.
        bot.wait(1 - now % 1)
        sent_at = round(bot.clock().timestamp())
        bot.queue.send({due: delay_seconds(due, sent_at) for due in plan.later}, interval)
    if plan.planned != state.planned:
        bot.states.planned(plan.planned)
    return plan


def _interval(bot: Bot, state: State) -> int:
    try:
        return bot.configurations.begin(bot.clock()).settings.check_interval_seconds
    except InvalidSettings:
        return state.planned.interval or DEFAULTS.check_interval_seconds
