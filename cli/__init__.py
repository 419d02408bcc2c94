"""The `heisenbug` command: everything the page can do, and running the bot on a laptop or in an AWS account."""

import os

# Before numpy is imported, as in template.yaml: its idle threads cost a command more than they could help it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
