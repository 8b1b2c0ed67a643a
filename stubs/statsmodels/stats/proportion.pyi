# What freshset uses of statsmodels, which ships no types.
class TostProportionsResult:
    pvalue: float

def tost_proportions_2indep(
    count1: float,
    nobs1: float,
    count2: float,
    nobs2: float,
    low: float,
    upp: float,
    method: str | None = ...,
    compare: str = ...,
    correction: bool = ...,
) -> TostProportionsResult: ...
