"""Ways to reach a customer: each tries once and says what came of it."""
