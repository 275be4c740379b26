"""The command line: `main` is all its commands. They translate, and load what they need when they are called."""

from service.cli.commands import main

__all__ = ["main"]
