"""Checks the shape annotations, under pytest only: beartype, with an int accepted where a float is meant."""

from beartype import BeartypeConf
from beartype import beartype as configurable

beartype = configurable(conf=BeartypeConf(is_pep484_tower=True))
