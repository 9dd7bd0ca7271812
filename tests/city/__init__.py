"""A simulated city whose noise is fixed, in which courier ETAs are held against the truth."""
