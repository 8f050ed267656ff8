"""callpark's figures beside its peers', measured in one run on one machine, printed as ratios: `make bench`."""
