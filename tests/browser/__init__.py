"""Every page in a real browser. A package, so that one browser and one system serve the whole folder."""
