"""Web: what is shown in a browser. The desk listens on this machine only."""
