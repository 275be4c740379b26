"""HTTP for publications: everything below /p/<name>/ sees that part of the notes alone."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, render_template, request

from service import standing
from service.collections import Asked
from service.errors import CollectionNotFound
from service.http.widget import widget_response
from service.publications import Publications
from service.snapshot import Snapshot


class Published:
    """Stands where routes expect the notes of the service, and gives them the publication in the address."""

    names = ()

    def __init__(self, publications: Publications) -> None:
        self._publications = publications

    def choose(self, _endpoint: str | None, values: dict[str, Any] | None) -> None:
        """Takes the publication's name out of the address, before the route sees it."""
        g.publication = (values or {}).pop("publication", "")

    @property
    def name(self) -> str:
        return str(g.publication)

    def get(self) -> Snapshot:
        """Raises PublicationNotFound."""
        return self._publications.get(self.name)

    def asked(self, collection: str = "") -> Asked:
        """Raises PublicationNotFound, and CollectionNotFound for any name: a publication knows of no collection."""
        if collection:
            raise CollectionNotFound(collection, ())
        return Asked([self.get()], behind=self._publications.is_behind(self.name))


def add_published_pages(app: Blueprint, shown: Published) -> None:
    @app.get("/widget.js")
    def widget() -> Response:
        shown.get()
        return widget_response()

    @app.get("/note")
    def note() -> str:
        """A citation opened on a page of its own: where the note stands now, without a script."""
        parts = (request.args.get(name, "") for name in ("note", "hash", "quote", "in"))
        return render_template("note.html", found=standing.check_citation(shown.get(), *parts))
