"""PhyAssist: the psychological counsellor's assistant."""

__version__ = "0.1.0"
