"""Web interfaces: the editor on the author's own machine, and the public pages for subscribers."""
