"""Who is connected, and sending to all of them."""
