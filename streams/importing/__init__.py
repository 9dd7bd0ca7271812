"""A table becomes events: a small YAML language says how, and no code runs but ours."""
