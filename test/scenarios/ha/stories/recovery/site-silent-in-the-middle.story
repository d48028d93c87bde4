The site falls silent while VMs are being started: what was ordered is found when it answers again.

cluster c1: 3 hosts of 16 cores and 64 GiB
vm web x3 on h1

at 10s: fault host-power-loss h1
5s after web-1 starts elsewhere: fault call-timeout site-a for 2m
run until quiet
expect web run elsewhere with a newer epoch; alarm host-dead on h1; no other alarm
