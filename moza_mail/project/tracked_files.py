"""Find the files that git tracks, without running git."""

from pathlib import Path

HEADER_BYTES = 12
ENTRY_BYTES = 62
"""The number of bytes of an index entry before its name (gitformat-index)."""
HAS_MORE_FLAGS = 0x4000
VERSIONS = (2, 3)


def find_tracked_files(root: Path) -> frozenset[Path] | None:
    """Return all files that git tracks in the repository of a folder.

    The result is empty if the folder is in no repository. It is None if the index cannot be read, for example
    because a newer git compressed the names in it.
    """
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if top is None:
        return frozenset()
    try:
        index = (top / ".git" / "index").read_bytes()
    except FileNotFoundError:
        # A repository without an index tracks no files yet. In a linked work tree `.git` is a file, and the index is
        # elsewhere.
        return frozenset() if (top / ".git").is_dir() else None
    except OSError:
        return None
    if index[:4] != b"DIRC" or int.from_bytes(index[4:8]) not in VERSIONS:
        return None
    names, start = [], HEADER_BYTES
    for _ in range(int.from_bytes(index[8:HEADER_BYTES])):
        flags = int.from_bytes(index[start + ENTRY_BYTES - 2 : start + ENTRY_BYTES])
        begin = start + ENTRY_BYTES + (2 if flags & HAS_MORE_FLAGS else 0)
        end = index.find(b"\0", begin)
        if end < 0:
            return None
        names.append(top / index[begin:end].decode("utf-8", "surrogateescape"))
        # An entry ends with one to eight zero bytes, which make its length a multiple of eight.
        start += (end - start) // 8 * 8 + 8
    return frozenset(names)
