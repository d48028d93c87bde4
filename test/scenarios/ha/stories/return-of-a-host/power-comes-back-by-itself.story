The power of a host is away for half a minute. It has been fenced meanwhile, so it stays off until somebody switches it on.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1 for 30s
run until 400s
expect web run elsewhere with a newer epoch; web back within 60s; h1 fenced
