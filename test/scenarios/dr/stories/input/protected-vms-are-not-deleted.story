A protected VM is not deleted, nor a group that is being switched.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
guests write every 5s

at 10s: delete web-1
at 31s: fault site-loss site-a
at 60s: failover plan p1
at 61s: delete group shop
run until quiet
expect refused "delete web-1" with in-use; web run at b; nothing was lost
