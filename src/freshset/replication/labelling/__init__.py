"""Asking people: tasks with hidden controls, answers, selection frequencies, quality."""
