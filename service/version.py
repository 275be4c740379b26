"""Which Trellis this is; the package is built with the same number."""

VERSION = "0.1.0"
