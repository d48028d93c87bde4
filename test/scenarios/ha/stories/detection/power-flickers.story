The power of a host is away for one second: shorter than a missed heartbeat, and yet everything on it has died.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1 for 1s
run until quiet
expect web run with a newer epoch; web back within 120s
