"""What `tower doctor` sees and how it judges."""
