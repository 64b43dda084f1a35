"""The live feed, `GET /ws`: events as they happen, to whoever subscribed to them."""
