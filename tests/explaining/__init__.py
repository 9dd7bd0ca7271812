"""One order in words, and the pages that say how the tower is built."""
