"""The `heisenbug` command: everything the page can do, and running the bot on a laptop or in an AWS account."""
