"""Content roots and membership proofs: RFC 6962, 2.1; proofs are walked as in RFC 9162, 2.1.3.2."""
from digests import frame, sha


def leaves(rows):
    """Leaf hashes of (key bytes, row bytes) pairs, in tree order."""
    return [sha(b"\0" + frame(k) + frame(r)) for k, r in sorted((sha(k), r) for k, r in rows)]


def split(n):
    return 1 << (n - 1).bit_length() - 1  # the largest power of two smaller than n


def root(hashes):
    if len(hashes) < 2: return hashes[0] if hashes else sha(b"")
    k = split(len(hashes))
    return sha(b"\1" + root(hashes[:k]) + root(hashes[k:]))


def proof(index, hashes):
    if len(hashes) < 2: return []
    k = split(len(hashes))
    if index < k: return proof(index, hashes[:k]) + [root(hashes[k:])]
    return proof(index - k, hashes[k:]) + [root(hashes[:k])]


def root_from(leaf, index, size, path):
    """The root a proof leads to, the way a verifier walks it: from the leaf upwards (RFC 9162, 2.1.3.2)."""
    last = size - 1
    for node in path:
        if last == 0: return None
        if index & 1 or index == last:
            leaf = sha(b"\1" + node + leaf)
            while not index & 1 and index: index, last = index >> 1, last >> 1
        else:
            leaf = sha(b"\1" + leaf + node)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None
