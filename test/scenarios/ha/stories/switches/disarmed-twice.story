Two people disarm a cluster, and two arm it: the second of each is told that it is so already, and nothing is mixed up.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web on h1

at 5s: disarm c1
at 10s: disarm c1 for 10m
at 20s: arm c1
at 25s: arm c1
at 30s: fault host-power-loss h1
run until quiet
expect refused "disarm c1 for 10m" with illegal-transition; refused "arm c1" with illegal-transition
expect web runs elsewhere with a newer epoch; web starts elsewhere before 45s
