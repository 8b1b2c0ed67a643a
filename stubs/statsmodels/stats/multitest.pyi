# What freshset uses of statsmodels, which ships no types.
import numpy as np
import numpy.typing as npt

def multipletests(
    pvals: npt.NDArray[np.float64], alpha: float = ..., method: str = ...
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64], float, float]: ...
