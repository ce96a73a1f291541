"""Where the user's own files are kept."""

from pathlib import Path

from platformdirs import user_cache_path

from bodypix_ros import NAME


def user_cache() -> Path:
    """The user's cache of this package, on Linux in XDG_CACHE_HOME or ~/.cache; not made yet."""
    return user_cache_path(NAME, appauthor=False)
