"""The commands and their options, grouped by user. Implementations are imported on use."""
