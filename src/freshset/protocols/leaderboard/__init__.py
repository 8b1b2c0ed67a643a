"""A leaderboard over a sealed holdout: a public and a private part, limits, an end, tie groups."""
