"""Accuracy beyond what the line predicts, from a table of accuracies.

The table is a csv with the columns model, standard (1 for the models that define the baseline) and
two columns of accuracies in percent.  Lines that start with # are comments.

Run it: python examples/effective_robustness.py TABLE.csv val imagenetv2_mf
"""

from __future__ import annotations

import argparse

import pandas as pd

from freshset.stats.robustness import effective_robustness


def main() -> None:
    """Fit the baseline on each scale and print the models farthest from it."""
    parser = argparse.ArgumentParser(description="Effective robustness.")
    parser.add_argument("table")
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--show", type=int, default=3, help="models at each end")
    given = parser.parse_args()

    table = pd.read_csv(given.table, comment="#")
    old, new = table[given.old].to_numpy() / 100, table[given.new].to_numpy() / 100
    standard = table["standard"].to_numpy() == 1
    print(f"{len(table)} models, of which {standard.sum()} define the baseline")
    for scale in ("logit", "probit", "linear"):
        line = effective_robustness(old, new, standard=standard, scale=scale).baseline
        print(
            f"{scale:<7} slope {line.slope:.4f}, intercept {line.intercept:.4f}, R2 {line.r2:.4f}"
        )

    rho = effective_robustness(old, new, standard=standard).rho
    order = table.assign(rho=rho).sort_values("rho", ascending=False)
    print("effective robustness in points (baseline on the logit scale)")
    for row in pd.concat([order.head(given.show), order.tail(given.show)]).itertuples():
        print(f"  {row.rho:+.3f}  {row.model}")


if __name__ == "__main__":
    main()
