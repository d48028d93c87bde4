The control plane is killed right after it ordered the starts, and is away for ten minutes: nothing is started twice.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x2 on h1

at 10s: fault host-power-loss h1
1s after web-1 starts elsewhere: kill the control plane for 10m
run until quiet
expect web run elsewhere with a newer epoch; web back within 60s; alarm host-dead on h1; no other alarm
