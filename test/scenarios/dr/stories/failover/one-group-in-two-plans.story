A group that one plan uses is not there for another plan: the second execution is refused and says by whom the group is used.

cluster c1 at site a: 2 hosts of 16 cores and 64 GiB
cluster c2 at site b: 2 hosts of 16 cores and 64 GiB
link a-b: sync, 2 ms, 1000 Mbit/s
vm web x2 on h1, h2: 2 vCPU, 4 GiB
group shop of web: sync to b
plan p1 of shop: tested
plan p2 of shop: tested
guests write every 5s

at 31s: fault site-loss site-a
at 60s: failover plan p1
at 60s: failover plan p2
run until quiet
expect web run at b; nothing was lost; refused "failover plan p2" with in-use; plan p2 is ready
