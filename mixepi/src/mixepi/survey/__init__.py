"""Stratified, clustered samples with unequal weights."""
