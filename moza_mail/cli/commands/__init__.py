"""The commands and their options, grouped by user. Each command imports its implementation when it runs."""
