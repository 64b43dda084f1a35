"""A real browser in the hands of a test: what it is shown, what it complains about, what is checked of a page."""
