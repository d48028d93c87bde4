The recovery site is lost before the VMs were entered there, and comes back after five minutes. The failover is asked for once more where it could not be completed; nothing is lost and nothing runs twice.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1
before step switchVms of plan-failover: fault site-loss site-b for 5m
at 15m: failover plan p1
run until quiet
expect web run at b; nothing was lost; lost as reported
