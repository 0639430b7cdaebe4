"""`pregen report`: count what a manifest has and lacks, and print it."""
