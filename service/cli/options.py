"""Options that several commands have."""

from __future__ import annotations

import click

from service.cli.completion import collections, folders

index_option = click.option("--index", "index", metavar="DIR", shell_complete=folders, help="The index folder.")
top_option = click.option("--top", type=int, metavar="N", help="How many results.")
collection_option = click.option(
    "--collection", metavar="NAME", shell_complete=collections, help="Only this collection of the settings."
)
