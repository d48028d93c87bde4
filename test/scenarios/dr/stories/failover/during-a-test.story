A disaster does not wait for the clean-up of a test.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop
guests write every 5s

at 10s: test plan p1
5m after plan p1 is testComplete: fault site-loss site-a
10s after plan p1 is testComplete: failover plan p1
run until quiet
expect web run at b; nothing was lost; report of p1: failover success
