#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Count the words of a text, print the most frequent, and hold it all in memory.

    words.py TEXT [FIFO]

The text is kept whole, with the place of every occurrence of every word, as an index
would. With FIFO: opens it for writing when everything is in memory, which lets the
other side look, and for reading afterwards, which waits until it has looked.
"""
import re
import sys


def index(text):
    """Map each word to the list of the offsets where it stands."""
    places = {}
    for match in re.finditer(r"[A-Za-z]+", text):
        places.setdefault(match.group().lower(), []).append(match.start())
    return places


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    places = index(text)
    total = sum(map(len, places.values()))
    print(f"{total:,} words, {len(places):,} different ones; the most frequent:")
    for word in sorted(places, key=lambda w: -len(places[w]))[:8]:
        print(f"  {len(places[word]):6,}  {word}")
    sys.stdout.flush()
    if len(sys.argv) > 2:
        with open(sys.argv[2], "w", encoding="utf-8"):
            pass
        with open(sys.argv[2], encoding="utf-8"):
            pass


main()
