"""The operations listener: what boards and support ask, answered from compacted topics."""
