The old site was cut off and its VMs still run there when it is heard again. They could write no more, and they are stopped.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 30s: fault call-timeout site-a for 15m
at 60s: failover plan p1
run until quiet
expect web run at b; nothing was lost; plan p1 is recovered
