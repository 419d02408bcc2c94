"""What the bot uses of AWS, and what that costs."""
