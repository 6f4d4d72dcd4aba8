"""Web: what is shown in a browser. The preview listens on this machine only."""
