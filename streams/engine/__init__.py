"""Between Kafka and an agent: consumer, rows, recovery, barrier, producer."""
