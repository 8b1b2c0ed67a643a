"""Training networks on other data: what is trained how, the loop, and what it reads."""
