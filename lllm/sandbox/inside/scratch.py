"""Removes the folder that a sandbox wrote to, whatever it left there. Imports nothing of lllm: init runs it, too."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress


def remove_folder(folder: str) -> None:
    """Remove a folder and all in it, without following a link. Nothing may write to it any more.

    ``shutil.rmtree`` gives up at a folder that may not be listed, and at some hundred levels of folders in folders. So
    each level is first moved up, next to the others. What cannot be removed is left.
    """
    while folders := _folders_in(folder):
        for place in folders:
            _flatten(place, folder)
        if set(folders) & set(_folders_in(folder)):
            break
    _remove(folder)


def _remove(place: str) -> None:
    with suppress(RecursionError):
        shutil.rmtree(place, ignore_errors=True)


def _flatten(place: str, top: str) -> None:
    """Move the folders of ``place`` up to ``top``, and remove it."""
    for number, inner in enumerate(_folders_in(place)):
        try:
            os.chmod(inner, 0o700)
            os.rename(inner, os.path.join(top, f"{os.stat(inner).st_ino}.{number}"))
        except OSError:
            continue
    _remove(place)


def _folders_in(place: str) -> list[str]:
    try:
        os.chmod(place, 0o700)
        with os.scandir(place) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
