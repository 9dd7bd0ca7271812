"""Whatever outsiders send, through a real Kafka and real workers."""
