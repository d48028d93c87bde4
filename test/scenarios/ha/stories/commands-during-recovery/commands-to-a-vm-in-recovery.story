While a VM is being brought back it is asked to move, to start and to stop: what is not possible now is refused, and it runs once.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 10s: fault host-power-loss h1
10s after web-1 starts elsewhere: migrate web-1; start web-2
run until quiet
expect web run elsewhere with a newer epoch; no alarm
