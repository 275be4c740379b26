"""The browser that pages are shown in: Chromium from the system's packages, which CI and `make test` install."""

from __future__ import annotations

import shutil

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str:
    """Raises FileNotFoundError, which says what to install."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if not found:
        raise FileNotFoundError("No browser found: install Debian's package chromium.")
    return found
