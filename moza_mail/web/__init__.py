"""Web interfaces: the editor on the author's machine, and public pages for subscribers."""
