"""The commands and their options, by who types them. What they do is brought in when one runs."""
