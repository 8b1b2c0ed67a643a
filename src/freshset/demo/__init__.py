"""The whole story on data that everyone has: offline, in under a minute."""
