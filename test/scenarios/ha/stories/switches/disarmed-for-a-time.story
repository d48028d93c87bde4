A cluster is disarmed for three minutes and forgotten. It arms itself, and what is dead then is recovered from.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 5s: disarm c1 for 3m
at 30s: fault host-power-loss h1
run until 300s
expect web run elsewhere with a newer epoch; web start elsewhere after 185s; web start elsewhere before 200s
