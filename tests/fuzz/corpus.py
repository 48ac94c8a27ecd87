# SPDX-License-Identifier: MIT
"""The corpus of a fuzz target is a file with a line of hexadecimal digits per input.

Usage: corpus.py unpack FILE FOLDER | corpus.py pack FOLDER FILE [BYTES]: the shortest inputs, up to
so many bytes in all.
"""
import hashlib
import os
import sys


def unpack(file, folder):
    os.makedirs(folder, exist_ok=True)
    with open(file, encoding="ascii") as f:
        for line in f:
            data = bytes.fromhex(line.strip())
            with open(os.path.join(folder, hashlib.sha256(data).hexdigest()[:16]), "wb") as out:
                out.write(data)


def pack(folder, file, most):
    inputs = []
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            inputs.append(f.read())
    inputs.sort(key=lambda i: (len(i), i))
    with open(file, "w", encoding="ascii") as f:
        for data in inputs:
            most -= len(data)
            if data and most >= 0:
                f.write(data.hex() + "\n")


if __name__ == "__main__":
    if sys.argv[1] == "unpack":
        unpack(sys.argv[2], sys.argv[3])
    else:
        pack(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 65536)
