"""`python -m phyassist`: the command line, where its script is not on the path."""

import sys

from phyassist.cli.main import main

sys.exit(main())
