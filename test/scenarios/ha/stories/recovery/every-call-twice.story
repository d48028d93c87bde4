During the whole recovery every call arrives twice: every VM still runs exactly once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 8s: fault duplicate-call site-a for 2m
at 10s: fault host-power-loss h1
run until quiet
expect web run elsewhere with a newer epoch; web back within 60s
