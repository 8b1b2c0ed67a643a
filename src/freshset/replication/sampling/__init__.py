"""Choosing images for a test set: stocks, targets, draws."""

from freshset.replication.sampling.draws import Drawn, Pick, Strategy, Stratified, Top
from freshset.replication.sampling.sample import Sample, draw_sample, shuffled, unshuffled
from freshset.replication.sampling.stocks import Stock, stocks_of

__all__ = [
    "Drawn",
    "Pick",
    "Sample",
    "Stock",
    "Strategy",
    "Stratified",
    "Top",
    "draw_sample",
    "shuffled",
    "stocks_of",
    "unshuffled",
]
