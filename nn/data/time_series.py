"""Time series from the statsmodels wheel."""

from __future__ import annotations

import numpy as np

from autograd.node import Array
from nn.data.packages import package_file


def load_co2() -> tuple[Array, Array]:
    """Atmospheric CO2 at Mauna Loa, weekly from March 1958 to December 2001.

    Source: C. Keeling and T. Whorf, Atmospheric CO2 concentrations derived from flask air samples
    at sites in the SIO network, Oak Ridge National Laboratory, 2004. License: public domain.

    Returns
    -------
    days : datetime64[D], shape (2284,), Saturdays.
    co2 : float32, shape (2284,), parts per million by volume; NaN in 59 weeks without data.

    Raises
    ------
    ImportError
        statsmodels is not installed.

    Examples
    --------
    >>> import nn, numpy as np
    >>> days, co2 = nn.data.load_co2()
    >>> str(days[0]), float(co2[0]), int(np.isnan(co2).sum())
    ('1958-03-29', 316.1000061035156, 59)
    """
    file = package_file("load_co2", "statsmodels", "datasets/co2/co2.csv")
    rows = [line.split(",") for line in file.read_text("utf-8").splitlines()[1:]]
    days = [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day, _ in rows]
    co2 = [float(value) if value else np.nan for _, value in rows]
    return np.array(days, "datetime64[D]"), np.array(co2, np.float32)


def load_sunspots() -> tuple[Array, Array]:
    """Yearly mean sunspot number, 1700 to 2008.

    Source: National Geophysical Data Center, NOAA. License: public domain.

    Returns
    -------
    years : int64, shape (309,).
    number : float32, shape (309,), mean sunspot number of each year.

    Raises
    ------
    ImportError
        statsmodels is not installed.

    Examples
    --------
    >>> import nn
    >>> years, number = nn.data.load_sunspots()
    >>> int(years[0]), int(years[-1]), float(number[1])
    (1700, 2008, 11.0)
    """
    file = package_file("load_sunspots", "statsmodels", "datasets/sunspots/sunspots.csv")
    table = np.loadtxt(file, delimiter=",", skiprows=1, ndmin=2)
    return table[:, 0].astype(np.int64), table[:, 1].astype(np.float32)
