"""Sphinx configuration: Markdown in, static pages out, nothing fetched from anywhere."""

from importlib.metadata import version as installed_version

project = "freshset"
author = "The freshset authors"
copyright = "The freshset authors"
version = release = installed_version("freshset")

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# Our minus signs, dashes and quotes are part of commands and of output.
smartquotes = False
html_theme = "furo"
html_title = "freshset"
html_copy_source = False
html_show_sphinx = False
