"""The sections of the report: what one order adds to each, and the block its sum becomes."""
