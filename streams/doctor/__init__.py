"""What is wrong with a running tower, in words: look first (I/O), judge then (pure).

`look` and `local` make a `Seen` of plain values; `judge` turns it into findings by one table
of checks. Nothing is changed anywhere, no group is joined.
"""
