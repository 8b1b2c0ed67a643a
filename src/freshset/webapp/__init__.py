"""The web app: people label, review and follow a test set in the browser.

HTTP only: what may be done, and what follows from it, is decided in `freshset.replication`.
"""
