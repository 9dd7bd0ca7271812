"""The real folds over the real flush and barrier, a crash possible between any two steps."""
