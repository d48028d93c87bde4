The power controller of a dead host cannot be reached at first, and half a minute later it can.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 10s: fault host-power-loss h1; fault bmc-unreachable h1 for 30s
run until quiet
expect web runs elsewhere with a newer epoch; h1 fenced
