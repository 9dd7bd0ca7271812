"""The `tower` command, one file a subcommand."""
