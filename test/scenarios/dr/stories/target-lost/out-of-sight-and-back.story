While the VMs come up at the recovery site, it falls silent for minutes, and nothing is wrong with it. They are out of sight, and known to run again as soon as it answers.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: async, 12 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: async to b, rpo 5m
plan p1 of shop: tested
guests write every 5s

at 4m: fault site-loss site-a
at 5m: failover plan p1
before step confirmWave of plan-failover: fault call-timeout site-b for 20m
run until quiet
expect web run at b; lost as reported
