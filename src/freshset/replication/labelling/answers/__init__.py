"""Answers of people, from whatever they were collected with, one row an answer."""
