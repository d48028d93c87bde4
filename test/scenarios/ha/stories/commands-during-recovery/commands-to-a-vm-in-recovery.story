While VMs are being brought back they are asked to move, to start and to stop: what is not possible now is refused. The
stop is kept: that VM is stopped as soon as it runs.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 10s: fault host-power-loss h1
10s after web-1 starts elsewhere: migrate web-1; start web-2; stop web-3
run until quiet
expect refused "migrate web-1" with operation-in-progress; refused "start web-2" with operation-in-progress
expect web-1..2 run elsewhere with a newer epoch; web-3 stopped
expect alarm host-dead on h1; no other alarm
