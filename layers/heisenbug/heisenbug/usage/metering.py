"""The meter that every client of AWS in this process is watched by."""

from heisenbug.usage.meter import Meter

METER = Meter()
