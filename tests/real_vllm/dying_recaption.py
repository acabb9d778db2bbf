"""flows.recaption that kills itself (-9) at a point of its work: `dying_recaption.py POINT PARAMS`."""

import sys

from dying_worker import arm

from flows.recaption import recaption

if __name__ == "__main__":
    arm(sys.argv[1])
    recaption(sys.argv[2])
