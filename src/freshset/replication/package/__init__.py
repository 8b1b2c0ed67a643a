"""Packaging: a frozen revision as a folder that anyone can read, check and cite."""

from __future__ import annotations

from freshset.replication.package.write import Package, write_package

__all__ = ["Package", "write_package"]
