"""The closed month a carrier is reviewed on: frozen verdicts with every order's evidence."""
